import type { Token } from '../generation/plan.js';
import {
  type FinishedChoice,
  type Json,
  type ReplyShapes,
  runningUsage,
  usageOf,
} from '../generation/reply-shapes.js';
import type { Output } from '../generation/run-generation.js';
import type { EngineRun } from '../requests/engine-run.js';
import type { TranscriptionRequest } from './transcription-route.js';

/** Length of a segment of `verbose_json`, in seconds. */
const segmentSeconds = 10;

const textOf = (tokens: readonly Token[]): string => tokens.map((token) => token.text).join('');

/** How `/v1/audio/transcriptions` writes an answer. `text` is JSON like `json`, as in vLLM. */
export class TranscriptionShapes implements ReplyShapes {
  readonly #run: EngineRun<TranscriptionRequest>;

  constructor(run: EngineRun<TranscriptionRequest>) {
    this.#run = run;
  }

  opening(): Json[] {
    return [];
  }

  output(output: Output): Json {
    const finish =
      output.finish === undefined
        ? {}
        : { finish_reason: output.finish.reason, stop_reason: output.finish.stopReason };
    const choice = { delta: { content: textOf(output.tokens) }, ...finish };
    return this.#chunk([choice], runningUsage(this.#run, output.completionTokens));
  }

  usage(completionTokens: number): Json {
    return this.#chunk([], { usage: usageOf(this.#run, completionTokens) });
  }

  whole(choices: readonly FinishedChoice[]): Json {
    const { seconds, isVerbose } = this.#run.request;
    const tokens = choices[0]?.tokens ?? [];
    if (isVerbose) return this.#verbose(tokens);
    return { text: textOf(tokens), usage: { type: 'duration', seconds: Math.ceil(seconds) } };
  }

  #chunk(choices: readonly Json[], rest: Json): Json {
    const { requestId, createdS, request } = this.#run;
    return {
      id: `transcribe-${requestId}`,
      object: 'transcription.chunk',
      created: createdS,
      model: request.model,
      choices,
      ...rest,
    };
  }

  /** Tokens are spread evenly over the time. */
  #verbose(tokens: readonly Token[]): Json {
    const { seconds, language, wantsWords } = this.#run.request;
    const perToken = seconds / Math.max(1, tokens.length);
    const count = Math.max(1, Math.ceil(seconds / segmentSeconds));
    const segments = Array.from({ length: count }, (_, id) => {
      const isInside = (at: number): boolean =>
        Math.min(count - 1, Math.floor((at * perToken) / segmentSeconds)) === id;
      const mine = tokens.filter((_token, at) => isInside(at));
      return {
        id,
        seek: 0,
        start: id * segmentSeconds,
        end: Math.min(seconds, (id + 1) * segmentSeconds),
        text: textOf(mine),
        tokens: mine.map((token) => token.id),
        temperature: 0,
        avg_logprob: -0.1,
        compression_ratio: 1,
        no_speech_prob: 0,
      };
    });
    const words = tokens.map((token, at) => ({
      word: token.text.trim(),
      start: at * perToken,
      end: (at + 1) * perToken,
    }));
    return {
      duration: String(seconds),
      language,
      text: textOf(tokens),
      segments,
      words: wantsWords ? words : null,
    };
  }
}
