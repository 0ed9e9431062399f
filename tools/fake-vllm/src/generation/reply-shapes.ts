import type { FakeEngine } from '../engine/fake-engine.js';
import type { EngineRun } from '../requests/engine-run.js';
import type { GenerationRequest } from './generation-request.js';
import type { Token } from './plan.js';
import type { Finish, Output } from './run-generation.js';

export type Json = Record<string, unknown>;

/** One choice of an answer that is sent in one piece. */
export interface FinishedChoice {
  readonly index: number;
  readonly tokens: readonly Token[];
  /** Undefined when a script left it out. */
  readonly finish: Finish | undefined;
}

/** How one route writes what a generation produces. */
export interface ReplyShapes {
  /** Chunks that go in front of everything, sent when the first output exists, never before. */
  opening(): readonly Json[];
  /** The chunk for an output; undefined when the client does not want to see it. */
  output(output: Output): Json | undefined;
  usage(completionTokens: number): Json;
  whole(choices: readonly FinishedChoice[]): Json;
}

/** Says that no model made this text, in the place where vLLM names its build. */
export function fingerprintOf(engine: FakeEngine): string | null {
  const { dialect } = engine.settings;
  return dialect.hasFingerprint ? `vllm-${dialect.version}-fake` : null;
}

/** The counts of a reply; the details only when the server shows them and there is something to show. */
export function usageOf(run: EngineRun<GenerationRequest>, completionTokens: number): Json {
  const isDetailed = run.engine.settings.promptTokensDetails && run.cachedTokens > 0;
  return {
    prompt_tokens: run.promptTokens,
    total_tokens: run.promptTokens + completionTokens,
    completion_tokens: completionTokens,
    ...(isDetailed ? { prompt_tokens_details: { cached_tokens: run.cachedTokens } } : {}),
  };
}

/** The `usage` of a chunk under `continuous_usage_stats`. */
export function runningUsage(run: EngineRun<GenerationRequest>, completionTokens: number): Json {
  return run.request.sampling.continuousUsage ? { usage: usageOf(run, completionTokens) } : {};
}
