import { FoveaError } from '@fovea/errors';
import type { FinishReason, GenerationEnd, GenerationEvent, TextDelta, Usage } from '@fovea/schemas/events';
import { type ChatChunk, type ChunkChoice, chatChunkSchema, logprobsOf } from './chat-chunk.js';
import { type ErrorContext, toFoveaError } from './engine-error.js';
import { findErrorEvent, parseJson } from './engine-report.js';
import { toLogText } from './public-text.js';

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content_filter',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
};

/** The engine stopped the request itself, at its shutdown for example: no answer, whatever was said so far. */
const brokenReasons = new Set(['abort', 'error']);

function broken(detail: string): FoveaError {
  return new FoveaError('BACKEND_ERROR', { detail });
}

/**
 * Reads the events of one streamed chat answer and keeps what is needed to tell a complete answer from a broken
 * one: each choice has to finish, usage has to be known, and `[DONE]` has to come.
 */
export class ChatReader {
  readonly #choices: number;
  readonly #context: ErrorContext;
  readonly #finished = new Set<number>();
  /** vLLM's running usage counts the tokens of the chunk's own choice. */
  readonly #completionTokens = new Map<number, number>();
  #promptTokens: number | undefined;
  #total: Usage | undefined;
  #fingerprint: string | undefined;
  #hasOutput = false;
  #isDone = false;

  constructor(choices: number, context: ErrorContext) {
    this.#choices = choices;
    this.#context = context;
  }

  /** True after `[DONE]`: nothing that follows is part of the answer. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What one event of the stream means. Throws the catalogue error when the engine reports one or makes no sense. */
  read(data: string): GenerationEvent[] {
    if (this.#isDone || data === '') return [];
    if (data.trim() === '[DONE]') return [this.#end()];
    const value = parseJson(data);
    const parsed = chatChunkSchema.safeParse(value);
    if (!parsed.success) throw this.#failure(value, parsed.error.message);
    this.#noteUsage(parsed.data);
    this.#fingerprint = parsed.data.system_fingerprint ?? this.#fingerprint;
    const events = parsed.data.choices.flatMap((choice) => this.#readChoice(choice));
    if (events.length > 0) this.#hasOutput = true;
    return events;
  }

  /** Call when the bytes have ended. Throws `BACKEND_ERROR` unless the answer was complete. */
  checkComplete(): void {
    if (!this.#isDone) throw broken(`the stream ended without [DONE], ${this.#progress()}`);
  }

  #end(): GenerationEnd {
    if (this.#finished.size < this.#choices) throw broken(`[DONE] came too early, ${this.#progress()}`);
    const usage = this.#total ?? this.#runningUsage();
    if (usage === undefined) throw broken('the engine reported no usage, although include_usage was set');
    this.#isDone = true;
    const fingerprint = this.#fingerprint;
    return {
      type: 'generation-end',
      usage,
      ...(fingerprint === undefined ? {} : { systemFingerprint: fingerprint }),
    };
  }

  /** A leading error is as good as a status: the request was refused. A later one is the engine's failure. */
  #failure(value: unknown, problem: string): FoveaError {
    const report = findErrorEvent(value);
    if (report === undefined)
      return broken(`an event of the stream is not a chat chunk: ${problem.slice(0, 500)}`);
    if (!this.#hasOutput) return toFoveaError(report, this.#context);
    return broken(`the engine failed in mid-answer (${report.status}): ${toLogText(report.message)}`);
  }

  #noteUsage(chunk: ChatChunk): void {
    if (chunk.usage == null) return;
    const completionTokens = chunk.usage.completion_tokens ?? 0;
    this.#promptTokens = chunk.usage.prompt_tokens;
    const index = chunk.choices[0]?.index;
    if (index !== undefined) this.#completionTokens.set(index, completionTokens);
    else this.#total = { promptTokens: chunk.usage.prompt_tokens, completionTokens };
  }

  #runningUsage(): Usage | undefined {
    if (this.#promptTokens === undefined) return undefined;
    const counts = [...this.#completionTokens.values()];
    return {
      promptTokens: this.#promptTokens,
      completionTokens: counts.reduce((sum, count) => sum + count, 0),
    };
  }

  #readChoice(choice: ChunkChoice): GenerationEvent[] {
    const { index } = choice;
    if (index >= this.#choices) throw broken(`the engine answered with choice ${index} of ${this.#choices}`);
    const events: GenerationEvent[] = [];
    const reasoning = choice.delta?.reasoning ?? choice.delta?.reasoning_content ?? '';
    if (reasoning !== '') events.push({ type: 'reasoning-delta', index, text: reasoning });
    const delta = this.#textDelta(choice, reasoning !== '');
    if (delta !== undefined) events.push(delta);
    const isOver = this.#finished.has(index);
    if (isOver && events.length > 0) throw broken(`choice ${index} went on after its finish reason`);
    if (choice.finish_reason == null || isOver) return events;
    if (brokenReasons.has(choice.finish_reason)) throw broken(`finish_reason ${choice.finish_reason}`);
    this.#finished.add(index);
    const finishReason = finishReasons[choice.finish_reason] ?? 'content_filter';
    return [...events, { type: 'choice-end', index, finishReason }];
  }

  /** Token ids and logprobs of a chunk that only thinks belong to the thinking, which carries neither. */
  #textDelta(choice: ChunkChoice, onlyThinks: boolean): TextDelta | undefined {
    const text = choice.delta?.content ?? '';
    if (text === '' && onlyThinks) return undefined;
    const tokenIds = choice.token_ids ?? undefined;
    const logprobs = logprobsOf(choice);
    if (text === '' && !tokenIds?.length && logprobs === undefined) return undefined;
    const usage = this.#runningUsage();
    return {
      type: 'text-delta',
      index: choice.index,
      text,
      ...(tokenIds?.length ? { tokenIds } : {}),
      ...(logprobs === undefined ? {} : { logprobs }),
      ...(usage === undefined ? {} : { usage }),
    };
  }

  #progress(): string {
    return `${this.#finished.size} of ${this.#choices} choices finished`;
  }
}
