import type { EngineRun } from '../requests/engine-run.js';
import { hash } from '../tokenizer/vocabulary.js';
import type { GenerationRequest } from './generation-request.js';
import { type PlannedChoice, type Token, tokenize } from './plan.js';
import type { Sampling } from './sampling.js';
import { cutAtStop } from './stops.js';

/** What is to be said, in the order it is produced. */
export interface Script {
  readonly before: readonly Token[];
  /** The answer itself; the two words differ by model, prompt, seed and choice. */
  readonly spoken: (mood: string) => readonly Token[];
  readonly after: readonly Token[];
  /** Leaves the answer out, because only what comes after it may be said. */
  readonly mutesText: boolean;
}

const words =
  'the a small bright figure stands near an open window with many coloured shapes around it and'.split(' ');

const wordFor = (key: string): string => words[hash(key) % words.length] ?? 'the';

/** Goes on in seeded words when the request wants more tokens than there is to say. */
function lengthen(tokens: readonly Token[], sampling: Sampling, key: string): Token[] {
  const wanted = sampling.ignoreEos ? sampling.maxTokens : Math.min(sampling.minTokens, sampling.maxTokens);
  const longer = [...tokens];
  while (longer.length < wanted) longer.push(...tokenize(` ${wordFor(`${key}:${longer.length}`)}`));
  return longer;
}

/** Plans the choices of one prompt, numbered from `firstIndex`. */
export function planChoices(
  run: EngineRun<GenerationRequest>,
  script: Script,
  firstIndex = 0,
): PlannedChoice[] {
  const { sampling, model } = run.request;
  return Array.from({ length: sampling.n }, (_, at) => {
    const index = firstIndex + at;
    const key = `${model}:${hash(run.request.lastUserText)}:${sampling.seed}:${index}`;
    const spoken = script.mutesText ? [] : script.spoken(`${wordFor(key)} ${wordFor(`${key}:`)}`);
    const said = [...script.before, ...spoken, ...script.after];
    const { tokens, stop } = cutAtStop(lengthen(said, sampling, key), sampling);
    const isTooLong = tokens.length > sampling.maxTokens || (sampling.ignoreEos && stop === null);
    return {
      index,
      tokens: tokens.slice(0, sampling.maxTokens),
      calls: [],
      finishReason: run.behaviour.finishReason ?? (isTooLong ? 'length' : 'stop'),
      stopReason: isTooLong ? null : stop,
    };
  });
}
