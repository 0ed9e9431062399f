import type { ServerResponse } from 'node:http';
import type { Token } from '../engine/answer.js';
import { sendJson } from '../http/respond.js';
import type { ChatRun } from './chat-run.js';
import { type WholeChoice, wholeAnswer } from './shapes.js';

/** Runs the request to its end and answers in one piece. */
export async function wholeReply(run: ChatRun, response: ServerResponse): Promise<void> {
  if (run.request.engineRefusal !== undefined) throw run.request.engineRefusal;
  const tokens = new Map<number, Token[]>();
  const finishes = new Map<number, { reason: string; stopReason: string | null }>();
  for await (const step of run.outputs()) {
    for (const output of step) {
      tokens.set(output.index, [...(tokens.get(output.index) ?? []), ...output.tokens]);
      if (output.finish !== undefined) finishes.set(output.index, output.finish);
      if (output.index === 0) run.log('token', { tokens: output.completionTokens });
    }
  }
  const choices = Array.from(
    { length: run.request.n },
    (_, index): WholeChoice => ({
      index,
      tokens: tokens.get(index) ?? [],
      finishReason: finishes.get(index)?.reason ?? 'stop',
      stopReason: finishes.get(index)?.stopReason ?? null,
    }),
  );
  sendJson(response, 200, wholeAnswer(run.head, run.request, choices, run.reasoningField));
}
