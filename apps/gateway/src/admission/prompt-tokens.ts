import { FoveaError } from '@fovea/errors';
import { imageTokens, sizeForModel } from '@fovea/image-preprocessing';
import type { BlobRef, ChatMessage, ContentPart } from '@fovea/schemas/jobs';
import type { ImageProcessor, ModelPackage } from '@fovea/schemas/model-package';

/** No tokenizer that is in use makes less than one token of so many bytes of text, taken over a whole prompt. */
const MOST_BYTES_PER_TOKEN = 8;

export interface PromptTokens {
  /** The prompt has at least so many. */
  readonly atLeast: number;
  /** The part of the prompt with which it stops to fit, when it does. */
  readonly overflowsAt: string | undefined;
  /** False when pictures are counted as nothing, because nothing is known of the model's image processor. */
  readonly isWhole: boolean;
}

/** A piece of a prompt, and where the client put it. */
export type PromptPiece = { readonly path: string } & (
  | { readonly text: string }
  | { readonly tokens: number }
  /** Undefined: nothing is known of it. */
  | { readonly image: BlobRef | undefined }
);

/**
 * Counts a prompt from below: pictures exactly, as they stand upright and as they are sent; text by its bytes; tags, roles
 * and tools not at all. What this finds too long cannot fit.
 */
export function promptTokensAtLeast(
  pieces: Iterable<PromptPiece>,
  { imageProcessor, maxModelLen }: Pick<ModelPackage, 'imageProcessor' | 'maxModelLen'>,
): PromptTokens {
  let textBytes = 0;
  let countedTokens = 0;
  let isWhole = true;
  let overflowsAt: string | undefined;
  const atLeast = (): number => countedTokens + Math.floor(textBytes / MOST_BYTES_PER_TOKEN);
  for (const piece of pieces) {
    if ('text' in piece) textBytes += Buffer.byteLength(piece.text);
    else {
      const tokens = 'tokens' in piece ? piece.tokens : tokensOf(piece.image, imageProcessor);
      countedTokens += tokens ?? 0;
      isWhole &&= tokens !== undefined;
    }
    if (atLeast() > maxModelLen) overflowsAt ??= piece.path;
  }
  return { atLeast: atLeast(), overflowsAt, isWhole };
}

/** Throws `CONTEXT_LENGTH_EXCEEDED` for a prompt that cannot fit, with the part that is too much. */
export function assertPromptCanFit({ atLeast, overflowsAt }: PromptTokens, maxModelLen: number): void {
  if (overflowsAt === undefined) return;
  throw new FoveaError('CONTEXT_LENGTH_EXCEEDED', {
    message: `The prompt has at least ${atLeast} tokens; prompt and answer together may have ${maxModelLen}.`,
    param: overflowsAt,
    limit: { name: 'max_model_len', value: maxModelLen, actual: atLeast },
  });
}

function tokensOf(blob: BlobRef | undefined, processor: ImageProcessor | null): number | undefined {
  if (processor === null || blob?.width === undefined || blob.height === undefined) return undefined;
  const { width, height, orientation } = blob;
  const counted = imageTokens(processor, sizeForModel({ width, height, orientation }, processor));
  return 'refused' in counted ? undefined : counted.tokens;
}

/** The pieces of a conversation. */
export function* chatPieces(
  messages: readonly ChatMessage[],
  blobs: readonly BlobRef[],
): Generator<PromptPiece> {
  for (const [index, message] of messages.entries()) {
    for (const [partIndex, part] of message.content.entries()) {
      const path = pathOf(message, index, part, partIndex);
      yield part.type === 'text' ? { path, text: part.text } : { path, image: blobs[part.blob] };
    }
  }
}

function pathOf(message: ChatMessage, index: number, part: ContentPart, partIndex: number): string {
  if (part.type === 'image') return part.path;
  return message.plain ? `messages[${index}].content` : `messages[${index}].content[${partIndex}].text`;
}
