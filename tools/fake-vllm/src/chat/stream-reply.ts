import type { ServerResponse } from 'node:http';
import type { Output } from '../engine/generation.js';
import { errorBody } from '../http/error-body.js';
import { write } from '../http/respond.js';
import type { ChatRun } from './chat-run.js';
import { outputChunk, roleChunk, usageChunk } from './shapes.js';
import { VllmError } from './vllm-error.js';

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const done = 'data: [DONE]\n\n';

/** Scripted forms that replace the whole body; false when there is none. */
async function sendOddBody(run: ChatRun, response: ServerResponse): Promise<boolean> {
  const { fault } = run;
  if (fault?.kind === 'raw') for (const piece of fault.pieces) await write(response, piece);
  else if (fault?.kind === 'only-done') await write(response, done);
  else if (fault?.kind === 'leading-error') {
    await write(response, `data: ${errorBody(fault, fault.form)}\n\n${done}`);
  } else if (run.request.engineRefusal !== undefined) {
    await write(response, `data: ${errorBody(run.request.engineRefusal)}\n\n${done}`);
  } else return false;
  response.end();
  return true;
}

function withoutFinish(output: Output): Output {
  const { finish: _, ...rest } = output;
  return rest;
}

async function sendStep(run: ChatRun, response: ServerResponse, step: readonly Output[]): Promise<void> {
  const outputs = run.fault?.kind === 'missing-finish' ? step.map(withoutFinish) : step;
  for (const output of outputs) {
    await write(response, event(outputChunk(run.head, run.request, output, run.reasoningField)));
  }
  const first = step.find((output) => output.index === 0);
  if (first !== undefined) run.log('token', { tokens: first.completionTokens });
}

/** Streams an answer as vLLM does: headers at once, the first chunk only with the first output. */
export async function streamReply(run: ChatRun, response: ServerResponse): Promise<void> {
  const contentType = run.fault?.kind === 'raw' ? run.fault.contentType : undefined;
  response.writeHead(200, { 'content-type': contentType ?? 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  if (await sendOddBody(run, response)) return;
  const totals = new Map<number, number>();
  try {
    for await (const step of run.outputs()) {
      if (totals.size === 0) {
        for (let index = 0; index < run.request.n; index += 1) {
          totals.set(index, 0);
          await write(response, event(roleChunk(run.head, run.request, index)));
        }
      }
      for (const output of step) totals.set(output.index, output.completionTokens);
      await sendStep(run, response, step);
    }
  } catch (error) {
    if (!(error instanceof VllmError)) throw error;
    await write(response, `data: ${errorBody(error)}\n\n${done}`);
    response.end();
    throw error;
  }
  if (run.request.includeUsage) {
    const total = [...totals.values()].reduce((sum, count) => sum + count, 0);
    await write(response, event(usageChunk(run.head, run.request, total)));
  }
  if (run.fault?.kind !== 'missing-done') await write(response, done);
  response.end();
}
