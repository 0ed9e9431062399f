import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeEngine } from '../engine/fake-engine.js';
import { readJson, sendError } from '../http/respond.js';
import { parseChatRequest } from './chat-request.js';
import { ChatRun, hang, ScriptedCrash } from './chat-run.js';
import { streamReply } from './stream-reply.js';
import { VllmError } from './vllm-error.js';
import { wholeReply } from './whole-reply.js';

const maxBodyBytes = 512 * 1024 * 1024;

/** The only abort vLLM knows: the client's socket closes before the answer is complete. */
function abortWithSocket(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new Error('client disconnected'));
  });
  return controller.signal;
}

async function accept(
  engine: FakeEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<ChatRun> {
  const signal = abortWithSocket(response);
  const header = request.headers['x-request-id'];
  const fromHeader = typeof header === 'string' ? header : undefined;
  try {
    const chat = parseChatRequest(await readJson(request, maxBodyBytes), engine.limits);
    engine.slots.checkRoom();
    const requestId = fromHeader ?? chat.requestId ?? randomUUID().replaceAll('-', '');
    engine.tally.add('requests');
    engine.remember(chat, requestId);
    const run = new ChatRun(engine, chat, requestId, engine.scripts.take(chat.lastUserText), signal);
    run.log('request');
    return run;
  } catch (error) {
    engine.tally.add('refused');
    engine.events.record({ event: 'refused', requestId: fromHeader ?? '', text: '' });
    throw error;
  }
}

async function answer(run: ChatRun, response: ServerResponse): Promise<void> {
  const { fault } = run;
  if (fault?.kind === 'crash' && fault.afterTokens === undefined) {
    response.socket?.resetAndDestroy();
    throw new ScriptedCrash();
  }
  if (fault?.kind === 'hang' && fault.afterTokens === undefined) await hang(run.signal);
  if (fault?.kind === 'status') {
    if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
    sendError(response, fault, fault.form);
    throw new VllmError(fault.status, fault.message);
  }
  await (run.request.stream ? streamReply(run, response) : wholeReply(run, response));
}

/** `POST /v1/chat/completions`. Every way out ends in exactly one of finished, failed and aborted. */
export async function chatRoute(
  engine: FakeEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const run = await accept(engine, request, response);
  const tokens = (): { tokens: number } => ({ tokens: run.sentTokens });
  try {
    await answer(run, response);
    engine.tally.finish(run.finishReason);
    run.log('finished', tokens());
  } catch (error) {
    if (run.signal.aborted && !(error instanceof ScriptedCrash)) {
      engine.tally.finish('abort');
      run.log('aborted', tokens());
      return;
    }
    engine.tally.finish('error');
    run.log('failed', tokens());
    if (error instanceof ScriptedCrash) response.destroy();
    else if (!response.headersSent) throw error;
    else if (!(error instanceof VllmError)) throw error;
  }
}
