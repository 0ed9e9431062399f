import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeEngine } from '../engine/fake-engine.js';
import { sendError, write } from '../http/respond.js';
import { VllmError } from '../http/vllm-error.js';
import type { Fault } from '../script/behaviour.js';
import { hang } from './abortable.js';
import type { AcceptedRequest } from './accepted-request.js';
import { Admission } from './admission.js';
import { ClientGone, ConnectionLost } from './endings.js';
import { EngineRun } from './engine-run.js';
import { breakConnection, ScriptedFault } from './scripted-fault.js';

/** Reads and checks a request; throws a `VllmError` for a refusal. */
export type Parse<R extends AcceptedRequest> = (admission: Admission) => Promise<R>;
export type Answer<R extends AcceptedRequest> = (
  run: EngineRun<R>,
  response: ServerResponse,
) => Promise<void>;

/** Keeps what a test may ask about; never the run itself, whose prompt may be long. */
function remember(admission: Admission, request: AcceptedRequest, run: EngineRun): void {
  const { authorization: _, ...headers } = admission.incoming.headers;
  const { images, lastUserText, parameters, stream, cacheSalt } = request;
  const { requestId, route } = admission;
  const { promptTokens } = run;
  const seen = {
    requestId,
    route,
    stream,
    images,
    lastUserText,
    parameters,
    promptTokens,
    cacheSalt,
    headers,
  };
  admission.engine.remember(Object.assign(run.seen, seen));
}

async function admit<R extends AcceptedRequest>(
  admission: Admission,
  parse: Parse<R>,
): Promise<EngineRun<R>> {
  const { engine } = admission;
  try {
    const request = await parse(admission);
    engine.checkOpen();
    engine.process.slots.checkRoom();
    const run = new EngineRun(admission, request);
    engine.tally.add('requests');
    const { metrics } = engine.process;
    metrics.add('vllm:mm_cache_queries', request.images.length);
    metrics.add('vllm:mm_cache_hits', request.images.filter((image) => image.isCached).length);
    metrics.observe('vllm:request_prompt_tokens', run.promptTokens);
    if (request.sampling !== undefined) {
      metrics.observe('vllm:request_params_n', request.sampling.n);
      metrics.observe('vllm:request_params_max_tokens', request.sampling.maxTokens);
    }
    remember(admission, request, run);
    run.log('request');
    return run;
  } catch (error) {
    if (error instanceof VllmError) {
      engine.tally.add('refused');
      engine.events.record({ event: 'refused', requestId: admission.requestId, text: '' });
    } else if (error instanceof ClientGone || !admission.incoming.complete) {
      engine.tally.add('abandoned');
      engine.tally.finish('abort');
      admission.log('aborted', { tokens: 0 });
    }
    throw error;
  }
}

const connectionFaults = ['hang', 'crash', 'reset', 'half-close', 'garbage'] as const;
type ConnectionFault = Extract<Fault, { kind: (typeof connectionFaults)[number] }>;

function isConnectionFault(fault: Fault): fault is ConnectionFault {
  return connectionFaults.some((kind) => kind === fault.kind);
}

/** Faults that come before the first byte of the answer; the others are met on the way. */
async function failEarly(run: EngineRun, fault: Fault, response: ServerResponse): Promise<boolean> {
  if (fault.kind === 'raw') {
    const contentType =
      fault.contentType ?? (run.request.stream ? 'text/event-stream; charset=utf-8' : 'application/json');
    response.writeHead(200, { 'content-type': contentType });
    response.flushHeaders();
    for (const piece of fault.pieces) await write(response, piece);
    response.end();
    return true;
  }
  if (fault.kind === 'status') {
    if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
    sendError(response, fault, fault.form ?? run.engine.settings.dialect.errorForm);
    throw new VllmError(fault.status, fault.message);
  }
  if (!isConnectionFault(fault) || fault.afterTokens !== undefined) return false;
  if (fault.kind === 'hang') await hang(run.signal);
  throw new ScriptedFault(fault);
}

async function answerOrFail<R extends AcceptedRequest>(
  run: EngineRun<R>,
  response: ServerResponse,
  answer: Answer<R>,
): Promise<void> {
  if (run.fault !== undefined && (await failEarly(run, run.fault, response))) return;
  await answer(run, response);
}

/** Every way out of an accepted request ends in exactly one of finished, failed and aborted. */
function close(admission: Admission, run: EngineRun, response: ServerResponse, error: unknown): void {
  const tokens = { tokens: run.sentTokens };
  if (error instanceof ScriptedFault) {
    run.finish('error');
    run.log('failed', tokens);
    breakConnection(response, error.fault);
  } else if (admission.signal.reason instanceof ClientGone) {
    run.finish('abort');
    run.log('aborted', tokens);
  } else {
    if (!(admission.signal.reason instanceof ConnectionLost)) run.finish('error');
    run.log('failed', tokens);
    if (!response.headersSent || !(error instanceof VllmError)) throw error;
  }
}

/** Waits until the engine has heard that the client left, when that is why the answer broke off. */
function abortHeard(admission: Admission): Promise<void> {
  if (!admission.isAlone || admission.signal.aborted) return Promise.resolve();
  return hang(admission.signal).catch(() => undefined);
}

/** Leads one request from its arrival to its end; what it throws is the answer still to be sent. */
export async function serveRequest<R extends AcceptedRequest>(
  engine: FakeEngine,
  incoming: IncomingMessage,
  response: ServerResponse,
  parse: Parse<R>,
  answer: Answer<R>,
): Promise<void> {
  const admission = new Admission(engine, incoming, response);
  engine.inFlight.add(admission);
  try {
    const run = await admit(admission, parse);
    admission.run = run;
    try {
      await answerOrFail(run, response, answer);
      run.finish(run.finishReason);
      run.log('finished', { tokens: run.sentTokens });
    } catch (error) {
      await abortHeard(admission);
      close(admission, run, response, error);
    }
  } finally {
    engine.inFlight.delete(admission);
  }
}
