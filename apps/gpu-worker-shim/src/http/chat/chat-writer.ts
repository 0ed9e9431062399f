import type { ChatModelPiece } from '../../models/chat-model.js';
import { type AnswerWriter, DONE, toEvent } from '../generation/send-answer.js';
import { type AnswerHead, toChatAnswer, toWireLogprobs, type UsageCount } from './chat-answer.js';
import type { AnswerForm } from './chat-request.js';

/** Writes one answer as vLLM does. Fields vLLM does not set are left out; those it sets to null are null. */
export class ChatWriter implements AnswerWriter<ChatModelPiece> {
  private finished = 0;

  constructor(
    private readonly head: AnswerHead,
    private readonly form: AnswerForm,
    private readonly choices: number,
    private readonly usage: UsageCount,
  ) {}

  /** The role chunks of all choices go out with the first token, not before. */
  first(piece: ChatModelPiece): string {
    return this.roles(piece) + this.piece(piece);
  }

  whole(pieces: readonly ChatModelPiece[]): unknown {
    return toChatAnswer(this.head, this.form, pieces, this.usage);
  }

  piece(piece: ChatModelPiece): string {
    const { end } = piece;
    if (end !== undefined) this.finished += 1;
    return toEvent({
      ...this.start(),
      choices: [
        {
          index: piece.index,
          delta: { content: piece.text },
          logprobs: toWireLogprobs(piece.logprobs),
          finish_reason: end?.finishReason ?? null,
          ...(end !== undefined && { stop_reason: end.stopReason }),
          token_ids: this.form.returnTokenIds ? piece.tokenIds : null,
        },
      ],
      ...(this.form.continuousUsage && { usage: this.usage.toWire() }),
      ...(end !== undefined &&
        this.finished === this.choices &&
        !this.form.includeUsage && { system_fingerprint: this.head.systemFingerprint }),
    });
  }

  /** The usage chunk where it was asked for, and the end of the stream. */
  end(): string {
    if (!this.form.includeUsage) return DONE;
    const system_fingerprint = this.head.systemFingerprint;
    return toEvent({ ...this.start(), choices: [], usage: this.usage.toWire(), system_fingerprint }) + DONE;
  }

  private roles(first: ChatModelPiece): string {
    const counts = {
      prompt_tokens: first.promptTokens,
      total_tokens: first.promptTokens,
      completion_tokens: 0,
    };
    return Array.from({ length: this.choices }, (_, index) =>
      toEvent({
        ...this.start(),
        choices: [{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
        ...(this.form.continuousUsage && { usage: counts }),
        prompt_token_ids: this.form.returnTokenIds ? (first.promptTokenIds ?? null) : null,
        prompt_text: null,
      }),
    ).join('');
  }

  private start() {
    const { id, created, model } = this.head;
    return { id, object: 'chat.completion.chunk', created, model };
  }
}
