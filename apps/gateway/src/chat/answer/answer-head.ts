import type { Logprob, Usage } from '@fovea/schemas/events';
import type { LogprobsWire, UsageWire } from '@fovea/schemas/http';

/** What every chunk and answer of one request repeats. */
export interface AnswerHead {
  /** `chatcmpl-<request id>`. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** The name the client asked for. */
  readonly model: string;
}

export const toUsageWire = (usage: Usage): UsageWire => ({
  prompt_tokens: usage.promptTokens,
  completion_tokens: usage.completionTokens,
  total_tokens: usage.promptTokens + usage.completionTokens,
});

export const toLogprobsWire = (logprobs: readonly Logprob[]): LogprobsWire => ({
  content: logprobs.map(({ top, ...token }) => ({ ...token, top_logprobs: top })),
});
