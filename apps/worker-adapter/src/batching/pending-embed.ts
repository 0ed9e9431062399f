import type { EmbedAnswer, EmbedRequest } from '@fovea/backends';

/** A job that waits for its part of a call. */
export interface PendingEmbed {
  readonly request: EmbedRequest;
  readonly signal: AbortSignal;
  readonly resolve: (answer: EmbedAnswer) => void;
  readonly reject: (reason: unknown) => void;
}

const bytesOf = ({ request }: PendingEmbed): number =>
  request.inputs.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/**
 * A job's vectors, and its share of the tokens by the bytes of its texts. The shares of a call are whole numbers and
 * add up to what the engine counted.
 */
export function shareOf(answer: EmbedAnswer, batch: readonly PendingEmbed[], at: number): EmbedAnswer {
  const sizes = batch.map(bytesOf);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const upTo = (count: number): number => {
    if (count === batch.length) return answer.promptTokens;
    const bytes = sizes.slice(0, count).reduce((sum, size) => sum + size, 0);
    // Texts without bytes have tokens of their own: shared out evenly.
    const part = total === 0 ? count / batch.length : bytes / total;
    return Math.round(answer.promptTokens * part);
  };
  const before = batch.slice(0, at).reduce((sum, { request }) => sum + request.inputs.length, 0);
  const own = batch[at]?.request.inputs.length ?? 0;
  return {
    vectors: answer.vectors.slice(before, before + own),
    promptTokens: upTo(at + 1) - upTo(at),
  };
}
