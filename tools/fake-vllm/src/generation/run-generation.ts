import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Channel, PlannedChoice, Token } from './plan.js';

/** What one engine step produced for one choice in one channel. */
export interface Output {
  readonly index: number;
  readonly tokens: readonly Token[];
  readonly channel: Channel;
  /** For `tool`: which call, and whether this is its first piece. */
  readonly call?: number | undefined;
  readonly opensCall?: boolean | undefined;
  /** Tokens of this choice so far, these included. */
  readonly completionTokens: number;
  readonly finish?: Finish;
}

export interface Finish {
  readonly reason: string;
  readonly stopReason: string | number | null;
}

export interface Pace {
  /** Milliseconds before the first token. */
  readonly firstTokenMs: number;
  /** Asked anew before each later step, because load and degradation change it. */
  readonly nextTokenMs: () => number;
  readonly tokensPerDelta: number;
  /** Undefined: vLLM's habit, the last text rides with the finish reason only when the length ran out. */
  readonly finishWithText: boolean | undefined;
  /** Position after which a delta without any text is sent, as servers do that hold back half a character. */
  readonly emptyDeltaAfter: number | undefined;
}

export interface Checkpoints {
  /** Positions at which a step has to end so that `reach` is called exactly there. */
  readonly positions: readonly number[];
  /** Called with the number of tokens sent, before anything more is produced. May wait, may throw. */
  reach(position: number): Promise<void>;
  /** Called after each pause: the engine as a whole may be stuck. */
  beat(): Promise<void> | undefined;
}

/** Keeps time: what one step was late is taken off the next, but a whole step that was missed is not made up. */
class Metronome {
  #dueMs = performance.now();

  async next(ms: number, checkpoints: Checkpoints, signal: AbortSignal): Promise<void> {
    if (ms > 0) {
      const now = performance.now();
      this.#dueMs = Math.max(now, this.#dueMs + ms);
      await pause(this.#dueMs - now, undefined, { signal });
    } else await turn(undefined, { signal });
    await checkpoints.beat();
  }
}

function ridesWithText(choice: PlannedChoice, pace: Pace): boolean {
  return pace.finishWithText ?? choice.finishReason === 'length';
}

/** One output per run of tokens that go to the same place. */
function group(choice: PlannedChoice, from: number, to: number): Output[] {
  const outputs: Output[] = [];
  for (let at = from; at < Math.min(to, choice.tokens.length); at += 1) {
    const token = choice.tokens[at];
    if (token === undefined) break;
    const last = outputs.at(-1);
    if (last !== undefined && last.channel === token.channel && last.call === token.call) {
      outputs[outputs.length - 1] = { ...last, tokens: [...last.tokens, token], completionTokens: at + 1 };
      continue;
    }
    outputs.push({
      index: choice.index,
      tokens: [token],
      channel: token.channel,
      call: token.call,
      opensCall: token.call !== undefined && choice.tokens[at - 1]?.call !== token.call,
      completionTokens: at + 1,
    });
  }
  return outputs;
}

function finishOf(choice: PlannedChoice): Output {
  const finish = { reason: choice.finishReason, stopReason: choice.stopReason };
  return {
    index: choice.index,
    tokens: [],
    channel: 'content',
    completionTokens: choice.tokens.length,
    finish,
  };
}

function slice(choice: PlannedChoice, from: number, to: number, pace: Pace): Output[] {
  const outputs = group(choice, from, to);
  const last = outputs.at(-1);
  if (last === undefined || to < choice.tokens.length || !ridesWithText(choice, pace)) return outputs;
  const { finish } = finishOf(choice);
  return [...outputs.slice(0, -1), { ...last, ...(finish === undefined ? {} : { finish }) }];
}

function emptyDelta(choice: PlannedChoice, position: number): Output {
  return { index: choice.index, tokens: [], channel: 'content', completionTokens: position };
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
  const metronome = new Metronome();
  await metronome.next(pace.firstTokenMs, checkpoints, signal);
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
    if (pace.emptyDeltaAfter !== undefined && position <= pace.emptyDeltaAfter && pace.emptyDeltaAfter < next)
      yield choices.map((choice) => emptyDelta(choice, next));
    from = position;
    position = next;
    if (position < longest) await metronome.next(pace.nextTokenMs(), checkpoints, signal);
  }
}
