import type { ChatModelPiece, ChoiceEnd, PromptLogprob } from '../../models/chat-model.js';
import { type PromptEcho, promptRoles } from '../../models/completion-model.js';
import type { CompletionForm } from './completion-request.js';
import { appendLogprobs, type LegacyLogprobs, LegacyLogprobWriter } from './legacy-logprobs.js';

/** `"<token id>"` to what is known of it. */
type WirePromptLogprobs = Record<string, { logprob: number; rank: number; decoded_token: string }> | null;

/** What is known of a prompt once its first token is generated. */
export interface CompletionPrompt {
  readonly tokens: number;
  readonly ids: readonly number[] | null;
  readonly logprobs: readonly WirePromptLogprobs[] | null;
}

/** A piece of a choice as it goes out. The first one of a choice begins with the prompt where that is echoed. */
export interface CompletionPiece {
  /** Of the choice, over all prompts. */
  readonly index: number;
  readonly isFirst: boolean;
  readonly text: string;
  readonly logprobs: LegacyLogprobs | null;
  readonly tokenIds: readonly number[];
  readonly end: ChoiceEnd | undefined;
  readonly completionTokens: number;
  readonly prompt: CompletionPrompt;
}

function toWirePrompt(
  known: readonly (PromptLogprob | null)[],
  roles: Uint8Array | undefined,
  count: number,
): WirePromptLogprobs[] {
  const entries = known.map((given, at) => {
    if (given === null || roles?.[at + 1] === promptRoles.image) return null;
    const { top, ...own } = given;
    const all = [own, ...top.slice(0, count)];
    return Object.fromEntries(
      all.map(({ id, logprob, rank, token }) => [`${id}`, { logprob, rank, decoded_token: token }]),
    );
  });
  return [null, ...entries];
}

/** Turns what a model gives for one prompt into pieces of its choices. */
export class PromptPieces {
  private readonly known: (PromptLogprob | null)[] = [];
  private readonly writers = new Map<number, LegacyLogprobWriter>();
  private readonly begun = new Set<number>();
  private echo: PromptEcho | undefined;
  private ids: readonly number[] | null = null;
  private prompt: CompletionPrompt | undefined;

  /** @param at index of the prompt in its request */
  constructor(
    private readonly form: CompletionForm,
    private readonly at: number,
  ) {}

  /** Undefined for a piece that only says something of the prompt; it goes out with the first token. */
  next(piece: ChatModelPiece): CompletionPiece | undefined {
    this.echo ??= piece.promptEcho;
    this.ids ??= piece.promptTokenIds ?? null;
    if (piece.promptLogprobs !== undefined) {
      for (const one of piece.promptLogprobs) this.known.push(one);
      return undefined;
    }
    this.prompt ??= this.toPrompt(piece.promptTokens);
    const { index, text, tokenIds, end, completionTokens } = piece;
    const isFirst = !this.begun.has(index);
    this.begun.add(index);
    const begin = isFirst && this.form.hasEcho ? (this.echo?.text ?? '') : '';
    return {
      index: this.at * this.form.choices + index,
      isFirst,
      text: begin + text,
      logprobs: this.logprobsOf(piece, isFirst),
      tokenIds,
      end,
      completionTokens,
      prompt: this.prompt,
    };
  }

  private toPrompt(tokens: number): CompletionPrompt {
    const { promptLogprobs: count } = this.form;
    const logprobs = count === undefined ? null : toWirePrompt(this.known, this.echo?.roles, count);
    return { tokens, ids: this.ids, logprobs };
  }

  private logprobsOf({ index, logprobs }: ChatModelPiece, isFirst: boolean): LegacyLogprobs | null {
    const { logprobs: count, hasEcho } = this.form;
    if (count === undefined) return null;
    const writer = this.writers.get(index) ?? new LegacyLogprobWriter(count);
    this.writers.set(index, writer);
    if (!isFirst || !hasEcho || this.echo === undefined) return writer.sampled(logprobs ?? []);
    const lists = writer.prompt(this.echo, this.known);
    appendLogprobs(lists, writer.sampled(logprobs ?? []));
    return lists;
  }
}
