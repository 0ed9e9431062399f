import type { FinishReason } from '@fovea/schemas/events';

/** OpenAI's names, and those of servers that speak its protocol with words of their own. */
const finishReasons = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['eos_token', 'stop'],
  ['stop_sequence', 'stop'],
  ['end_turn', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['content_filter', 'content_filter'],
  ['tool_calls', 'tool_calls'],
  ['tool_use', 'tool_calls'],
  ['function_call', 'tool_calls'],
]);

/** The engine stopped the request itself, at its shutdown for example: no answer, whatever was said so far. */
const brokenReasons = new Set(['abort', 'aborted', 'cancelled', 'error', 'timeout']);

/**
 * What a choice ended with; undefined when it did not come to an end. A reason nobody knows, like vLLM's `repetition`,
 * is a policy of the engine's that cut the answer: `content_filter`.
 */
export function toFinishReason(reason: string): FinishReason | undefined {
  if (brokenReasons.has(reason)) return undefined;
  return finishReasons.get(reason) ?? 'content_filter';
}
