import type { ServerResponse } from 'node:http';
import { errorBody } from '../http/error-body.js';
import { write } from '../http/respond.js';
import { VllmError } from '../http/vllm-error.js';
import type { EngineRun } from '../requests/engine-run.js';
import type { GenerationRequest } from './generation-request.js';
import type { PlannedChoice } from './plan.js';
import type { ReplyShapes } from './reply-shapes.js';
import type { Output } from './run-generation.js';

type Run = EngineRun<GenerationRequest>;

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const done = 'data: [DONE]\n\n';

/** Forms that replace the whole body; false when there is none. */
async function sendOddBody(run: Run, response: ServerResponse): Promise<boolean> {
  const { fault, request } = run;
  const { errorForm } = run.engine.settings.dialect;
  if (fault?.kind === 'only-done') await write(response, done);
  else if (fault?.kind === 'leading-error') {
    await write(response, `data: ${errorBody(fault, fault.form ?? errorForm)}\n\n${done}`);
  } else if (request.engineRefusal !== undefined) {
    await write(response, `data: ${errorBody(request.engineRefusal, errorForm)}\n\n${done}`);
  } else return false;
  response.end();
  return true;
}

function withoutFinish(output: Output): Output {
  const { finish: _, ...rest } = output;
  return rest;
}

async function sendStep(
  run: Run,
  response: ServerResponse,
  shapes: ReplyShapes,
  step: readonly Output[],
): Promise<void> {
  const outputs = run.fault?.kind === 'missing-finish' ? step.map(withoutFinish) : step;
  let text = '';
  for (const output of outputs) {
    const chunk = shapes.output(output);
    if (chunk !== undefined) text += event(chunk);
  }
  if (text !== '') await write(response, text);
  const first = step.findLast((output) => output.index === 0);
  if (first !== undefined) run.log('token', { tokens: first.completionTokens });
}

async function sendSteps(
  run: Run,
  response: ServerResponse,
  choices: readonly PlannedChoice[],
  shapes: ReplyShapes,
): Promise<number> {
  const totals = new Map<number, number>();
  for await (const step of run.outputs(choices)) {
    if (totals.size === 0) {
      const opening = shapes.opening().map(event).join('');
      if (opening !== '') await write(response, opening);
    }
    for (const output of step) totals.set(output.index, output.completionTokens);
    await sendStep(run, response, shapes, step);
  }
  return [...totals.values()].reduce((sum, count) => sum + count, 0);
}

/** Streams an answer as vLLM does: headers at once, the first chunk only with the first output. */
export async function streamReply(
  run: Run,
  response: ServerResponse,
  choices: readonly PlannedChoice[],
  shapes: ReplyShapes,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  if (await sendOddBody(run, response)) return;
  try {
    const total = await sendSteps(run, response, choices, shapes);
    if (run.request.sampling.includeUsage) await write(response, event(shapes.usage(total)));
  } catch (error) {
    if (!(error instanceof VllmError)) throw error;
    const facts = { status: error.status, message: 'Internal server error' };
    const scripted = run.fault?.kind === 'late-error' ? { ...facts, message: error.message } : facts;
    await write(response, `data: ${errorBody(scripted, run.engine.settings.dialect.errorForm)}\n\n${done}`);
    response.end();
    throw error;
  }
  if (run.fault?.kind !== 'missing-done') await write(response, done);
  response.end();
}
