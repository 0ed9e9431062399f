import { FoveaError } from '@fovea/errors';
import type { GenerationEnd, GenerationEvent, Logprob, Usage } from '@fovea/schemas/events';
import type { z } from 'zod';
import {
  type ChatChunk,
  type ChunkChoice,
  chatChunkSchema,
  contentOf,
  logprobsOf,
} from '../chat/chat-chunk.js';
import { ToolCallReader } from '../chat/tool-call-reader.js';
import { type ErrorContext, toFoveaError, toMidAnswerError } from '../errors/engine-error.js';
import { findErrorEvent, parseJson } from '../errors/engine-report.js';
import { toLogText } from '../errors/public-text.js';
import { toFinishReason } from './finish-reason.js';
import { UsageCount } from './usage-count.js';

function broken(detail: string): FoveaError {
  return new FoveaError('BACKEND_ERROR', { detail });
}

/** What a chunk knows of its tokens, on the first of its events only: nothing is counted twice. */
interface Tokens {
  tokenIds?: number[];
  logprobs?: Logprob[];
  usage?: Usage;
}

/** The tokens of an echoed prompt come all at once; an event of the log holds no more than so many. */
const logprobsPerEvent = 256;

function inBatches(logprobs: readonly Logprob[]): Logprob[][] {
  const batches: Logprob[][] = [];
  for (let at = 0; at < logprobs.length; at += logprobsPerEvent) {
    batches.push(logprobs.slice(at, at + logprobsPerEvent));
  }
  return batches;
}

type Said = Extract<GenerationEvent, { type: 'text-delta' | 'reasoning-delta' | 'tool-call-delta' }>;

/**
 * Reads the events of one streamed answer and keeps what is needed to tell a complete answer from a broken
 * one: each choice has to finish, usage has to be known, and `[DONE]` has to come. Answers that are no chats are read as
 * chats by the schema of their chunks.
 */
export class AnswerReader {
  readonly #choices: number;
  readonly #context: ErrorContext;
  readonly #schema: z.ZodType<ChatChunk>;
  readonly #finished = new Set<number>();
  readonly #toolCalls = new Map<number, ToolCallReader>();
  readonly #usage = new UsageCount();
  #fingerprint: string | undefined;
  #hasOutput = false;
  #isDone = false;

  constructor(choices: number, context: ErrorContext, schema: z.ZodType<ChatChunk> = chatChunkSchema) {
    this.#choices = choices;
    this.#context = context;
    this.#schema = schema;
  }

  /** True after `[DONE]`: nothing that follows is part of the answer. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** True when something was said that a caller has been given. */
  get hasOutput(): boolean {
    return this.#hasOutput;
  }

  /** What one event of the stream means. Throws the catalogue error when the engine reports one or makes no sense. */
  read(data: string): GenerationEvent[] {
    if (this.#isDone || data.trim() === '') return [];
    if (data.trim() === '[DONE]') return [this.#end()];
    return this.#readChunk(parseJson(data), data);
  }

  /** An answer that came as one JSON object although a stream was asked for: some proxies collect streams. */
  readWhole(text: string): GenerationEvent[] {
    return [...this.#readChunk(parseJson(text), text), this.#end()];
  }

  /** Call when the bytes have ended. Throws `BACKEND_ERROR` unless the answer was complete. */
  checkComplete(): void {
    if (!this.#isDone) throw broken(`the stream ended without [DONE], ${this.#progress()}`);
  }

  #readChunk(value: unknown, text: string): GenerationEvent[] {
    const report = findErrorEvent(value);
    // A leading error is as good as a status: the request was refused. A later one is the engine's failure.
    if (report !== undefined)
      throw this.#hasOutput ? toMidAnswerError(report) : toFoveaError(report, this.#context);
    const parsed = this.#schema.safeParse(value);
    if (!parsed.success) {
      const problem = parsed.error.message.slice(0, 500);
      throw broken(`no chunk: ${problem}: ${toLogText(text.slice(0, 500))}`);
    }
    this.#usage.note(parsed.data);
    this.#fingerprint = parsed.data.system_fingerprint ?? this.#fingerprint;
    const events = (parsed.data.choices ?? []).flatMap((choice) => this.#readChoice(choice));
    if (events.length > 0) this.#hasOutput = true;
    return events;
  }

  #end(): GenerationEnd {
    if (this.#finished.size < this.#choices) throw broken(`the answer ended too early, ${this.#progress()}`);
    const usage = this.#usage.final;
    if (usage === undefined) throw broken('the engine reported no usage, although include_usage was set');
    this.#isDone = true;
    const fingerprint = this.#fingerprint;
    return {
      type: 'generation-end',
      usage,
      ...(fingerprint === undefined ? {} : { systemFingerprint: fingerprint }),
    };
  }

  #readChoice(choice: ChunkChoice): GenerationEvent[] {
    const index = choice.index ?? 0;
    if (index >= this.#choices) throw broken(`the engine answered with choice ${index} of ${this.#choices}`);
    const said = this.#withTokens(choice, this.#said(choice, index), index);
    const isOver = this.#finished.has(index);
    if (isOver && said.length > 0) throw broken(`choice ${index} went on after its finish reason`);
    if (!choice.finish_reason || isOver) return said;
    return [...said, ...this.#endChoice(choice.finish_reason, choice.stop_reason, index)];
  }

  #said(choice: ChunkChoice, index: number): Said[] {
    const { reasoning, text, toolCalls } = contentOf(choice);
    const events: Said[] = [];
    if (reasoning !== '') events.push({ type: 'reasoning-delta', index, text: reasoning });
    if (text !== '') events.push({ type: 'text-delta', index, text });
    if (toolCalls.length === 0) return events;
    const pieces = this.#toolCallsOf(index).read(toolCalls);
    return [...events, ...pieces.map((piece) => ({ type: 'tool-call-delta' as const, index, ...piece }))];
  }

  /** Tokens whose text the engine still holds back belong to the answer, too: their event has an empty text. */
  #withTokens(choice: ChunkChoice, said: readonly Said[], index: number): Said[] {
    const logprobs = logprobsOf(choice);
    const tokenIds = choice.token_ids ?? [];
    const hasTokens = tokenIds.length > 0 || logprobs !== undefined;
    const [first = hasTokens ? { type: 'text-delta' as const, index, text: '' } : undefined, ...others] =
      said;
    if (first === undefined) return [];
    const tokens: Tokens = {};
    if (tokenIds.length > 0) tokens.tokenIds = tokenIds;
    const [logprobsOfFirst, ...more] = inBatches(logprobs ?? []);
    if (logprobsOfFirst !== undefined) tokens.logprobs = logprobsOfFirst;
    const usage = this.#usage.running;
    if (usage !== undefined) tokens.usage = usage;
    const rest = more.map((batch) => ({ type: 'text-delta' as const, index, text: '', logprobs: batch }));
    return [{ ...first, ...tokens }, ...others, ...rest];
  }

  #endChoice(reason: string, stopReason: ChunkChoice['stop_reason'], index: number): GenerationEvent[] {
    const finishReason = toFinishReason(reason);
    if (finishReason === undefined) throw broken(`finish_reason ${toLogText(reason)}`);
    this.#finished.add(index);
    const stopped = stopReason == null ? {} : { stopReason };
    const end = { type: 'choice-end' as const, index, finishReason, ...stopped };
    const calls = this.#toolCalls.get(index)?.end();
    // Out of tokens: a call may be without its name or its arguments, as text may lack its end.
    if (calls === undefined || finishReason === 'length') return [end];
    if (!calls.isComplete) throw broken('a tool call has no name');
    return [...calls.pieces.map((piece) => ({ type: 'tool-call-delta' as const, index, ...piece })), end];
  }

  #toolCallsOf(index: number): ToolCallReader {
    const reader = this.#toolCalls.get(index) ?? new ToolCallReader();
    this.#toolCalls.set(index, reader);
    return reader;
  }

  #progress(): string {
    return `${this.#finished.size} of ${this.#choices} choices finished`;
  }
}
