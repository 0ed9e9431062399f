import type { AnswerHead } from '../chat/chat-answer.js';
import { type AnswerWriter, DONE, toEvent } from '../generation/send-answer.js';
import type { CompletionForm } from './completion-request.js';
import { appendLogprobs, type LegacyLogprobs, noLogprobs } from './legacy-logprobs.js';
import type { CompletionPiece } from './prompt-pieces.js';

/** Counts over all prompts and choices. */
class CompletionUsage {
  private readonly prompts = new Map<number, number>();
  private readonly completions = new Map<number, number>();

  constructor(private readonly choices: number) {}

  add({ index, prompt, completionTokens }: CompletionPiece): void {
    this.prompts.set(Math.floor(index / this.choices), prompt.tokens);
    this.completions.set(index, completionTokens);
  }

  toWire() {
    const sum = (counts: Map<number, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
    const [prompt, completion] = [sum(this.prompts), sum(this.completions)];
    return { prompt_tokens: prompt, total_tokens: prompt + completion, completion_tokens: completion };
  }
}

interface WholeChoice {
  texts: string[];
  tokenIds: number[];
  logprobs: LegacyLogprobs | null;
  last: CompletionPiece;
}

function collect(pieces: readonly CompletionPiece[]): WholeChoice[] {
  const choices: WholeChoice[] = [];
  for (const piece of pieces) {
    const logprobs = piece.logprobs && noLogprobs();
    choices[piece.index] ??= { texts: [], tokenIds: [], logprobs, last: piece };
    const choice = choices[piece.index]!;
    choice.texts.push(piece.text);
    choice.tokenIds.push(...piece.tokenIds);
    if (choice.logprobs !== null && piece.logprobs !== null) appendLogprobs(choice.logprobs, piece.logprobs);
    choice.last = piece;
  }
  return choices;
}

/** Writes answers to raw prompts as vLLM does. */
export class CompletionWriter implements AnswerWriter<CompletionPiece> {
  private readonly usage: CompletionUsage;

  constructor(
    private readonly head: AnswerHead,
    private readonly form: CompletionForm,
  ) {
    this.usage = new CompletionUsage(form.choices);
  }

  first(piece: CompletionPiece): string {
    return this.piece(piece);
  }

  piece(piece: CompletionPiece): string {
    this.usage.add(piece);
    const { index, text, logprobs, end, tokenIds, isFirst, prompt } = piece;
    const { returnTokenIds } = this.form;
    return toEvent({
      ...this.start(),
      choices: [
        {
          index,
          text,
          logprobs,
          finish_reason: end?.finishReason ?? null,
          stop_reason: end?.stopReason ?? null,
          prompt_token_ids: returnTokenIds && isFirst ? prompt.ids : null,
          token_ids: returnTokenIds ? tokenIds : null,
        },
      ],
      ...(this.form.continuousUsage && { usage: this.usage.toWire() }),
    });
  }

  end(): string {
    if (!this.form.includeUsage) return DONE;
    const system_fingerprint = this.head.systemFingerprint;
    return toEvent({ ...this.start(), choices: [], usage: this.usage.toWire(), system_fingerprint }) + DONE;
  }

  whole(pieces: readonly CompletionPiece[]): unknown {
    for (const piece of pieces) this.usage.add(piece);
    const { returnTokenIds } = this.form;
    return {
      ...this.start(),
      choices: collect(pieces).map(({ texts, tokenIds, logprobs, last: { end, prompt } }, index) => ({
        index,
        text: texts.join(''),
        logprobs,
        finish_reason: end?.finishReason ?? null,
        stop_reason: end?.stopReason ?? null,
        token_ids: returnTokenIds ? tokenIds : null,
        prompt_logprobs: prompt.logprobs,
        prompt_token_ids: returnTokenIds ? prompt.ids : null,
        routed_experts: null,
      })),
      service_tier: null,
      system_fingerprint: this.head.systemFingerprint,
      usage: { ...this.usage.toWire(), prompt_tokens_details: null },
      kv_transfer_params: null,
    };
  }

  private start() {
    const { id, created, model } = this.head;
    return { id, object: 'text_completion', created, model };
  }
}
