import type { ServerResponse } from 'node:http';
import { sendJson } from '../http/respond.js';
import { VllmError } from '../http/vllm-error.js';
import type { EngineRun } from '../requests/engine-run.js';
import type { GenerationRequest } from './generation-request.js';
import type { PlannedChoice, Token } from './plan.js';
import type { FinishedChoice, ReplyShapes } from './reply-shapes.js';
import type { Finish } from './run-generation.js';

type Run = EngineRun<GenerationRequest>;

/** What would be the first event of a stream is the status of an answer in one piece. */
function checkRefusals(run: Run): void {
  if (run.request.engineRefusal !== undefined) throw run.request.engineRefusal;
  const { fault } = run;
  if (fault?.kind === 'leading-error') {
    const options = { ...(fault.param === undefined ? {} : { param: fault.param }) };
    throw new VllmError(fault.status, fault.message, {
      ...options,
      ...(fault.form === undefined ? {} : { form: fault.form }),
    });
  }
}

/** Runs the choices to their end and collects them. */
export async function collect(run: Run, choices: readonly PlannedChoice[]): Promise<FinishedChoice[]> {
  const tokens = new Map<number, Token[]>(choices.map(({ index }) => [index, []]));
  const finishes = new Map<number, Finish>();
  for await (const step of run.outputs(choices)) {
    for (const output of step) {
      tokens.get(output.index)?.push(...output.tokens);
      if (output.finish !== undefined) finishes.set(output.index, output.finish);
      if (output.index === 0) run.log('token', { tokens: output.completionTokens });
    }
  }
  const hasFinish = run.fault?.kind !== 'missing-finish';
  return choices.map(({ index }) => ({
    index,
    tokens: tokens.get(index) ?? [],
    finish: hasFinish ? finishes.get(index) : undefined,
  }));
}

/** Runs the request to its end and answers in one piece. */
export async function wholeReply(
  run: Run,
  response: ServerResponse,
  choices: readonly PlannedChoice[],
  shapes: ReplyShapes,
): Promise<void> {
  checkRefusals(run);
  sendJson(response, 200, shapes.whole(await collect(run, choices)));
}
