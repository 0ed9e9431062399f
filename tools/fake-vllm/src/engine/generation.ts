import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { PlannedChoice, Token } from './answer.js';

/** What one engine step produced for one choice. */
export interface Output {
  readonly index: number;
  readonly tokens: readonly Token[];
  readonly reasoning: boolean;
  /** Tokens of this choice so far, these included. */
  readonly completionTokens: number;
  readonly finish?: { readonly reason: string; readonly stopReason: string | null };
}

export interface Pace {
  readonly ttftMs: number;
  readonly interTokenMs: number;
  readonly tokensPerDelta: number;
  /** Undefined: vLLM's habit, the last text rides with the finish reason only when the length ran out. */
  readonly finishWithText: boolean | undefined;
}

export interface Checkpoints {
  /** Positions at which a step has to end so that `reach` is called exactly there. */
  readonly positions: readonly number[];
  /** Called with the number of tokens sent, before anything more is produced. May wait, may throw. */
  reach(position: number): Promise<void>;
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await (ms > 0 ? pause(ms, undefined, { signal }) : turn(undefined, { signal }));
}

function ridesWithText(choice: PlannedChoice, pace: Pace): boolean {
  return pace.finishWithText ?? choice.finishReason === 'length';
}

function slice(choice: PlannedChoice, from: number, to: number, pace: Pace): Output[] {
  const tokens = choice.tokens.slice(from, to);
  const thought = tokens.filter((token) => token.reasoning);
  const said = tokens.filter((token) => !token.reasoning);
  const isLast = to >= choice.tokens.length && tokens.length > 0 && ridesWithText(choice, pace);
  const finish = { reason: choice.finishReason, stopReason: choice.stopReason };
  const outputs: Output[] = [];
  const { index } = choice;
  const thoughtEnd = from + thought.length;
  if (thought.length > 0) {
    outputs.push({ index, tokens: thought, reasoning: true, completionTokens: thoughtEnd });
  }
  if (said.length > 0) {
    outputs.push({ index, tokens: said, reasoning: false, completionTokens: thoughtEnd + said.length });
  }
  const last = outputs.at(-1);
  return isLast && last !== undefined ? [...outputs.slice(0, -1), { ...last, finish }] : outputs;
}

function finishOf(choice: PlannedChoice): Output {
  const finish = { reason: choice.finishReason, stopReason: choice.stopReason };
  return {
    index: choice.index,
    tokens: [],
    reasoning: false,
    completionTokens: choice.tokens.length,
    finish,
  };
}

/** Runs a planned answer step by step; one step advances every choice, as continuous batching does. */
export async function* runGeneration(
  choices: readonly PlannedChoice[],
  pace: Pace,
  checkpoints: Checkpoints,
  signal: AbortSignal,
): AsyncGenerator<readonly Output[]> {
  const longest = Math.max(...choices.map((choice) => choice.tokens.length));
  const stops = [...checkpoints.positions].sort((a, b) => a - b);
  await wait(pace.ttftMs, signal);
  for (let position = 0, from = -1; ; ) {
    await checkpoints.reach(position);
    const ended = choices.filter(({ tokens }) => tokens.length > from && tokens.length <= position);
    const finishes = ended
      .filter((choice) => choice.tokens.length === 0 || !ridesWithText(choice, pace))
      .map(finishOf);
    if (finishes.length > 0) yield finishes;
    if (position >= longest) return;
    const boundary = stops.find((stop) => stop > position) ?? longest;
    const next = Math.min(position + pace.tokensPerDelta, boundary, longest);
    yield choices.flatMap((choice) => slice(choice, position, next, pace));
    from = position;
    position = next;
    if (position < longest) await wait(pace.interTokenMs, signal);
  }
}
