import { FoveaError } from '@fovea/errors';
import { assertImageWithinLimits, countPpOcrTokens, probeImageHeader } from '@fovea/image-preprocessing';
import type { ChatImage, ChatModelRequest } from '../chat-model.js';

const maxSidePx = 4000;

/** The pictures that a request wants read, and what they cost. */
export interface OcrRequest {
  readonly images: readonly ChatImage[];
  /** One per cell of 32×32 px that detection looks at, 1 to 2,304 per picture; text costs nothing, for it is not read. */
  readonly promptTokens: number;
}

/**
 * Picks the images of the last message that has any (a follow-up question without an image means the picture before)
 * and checks their headers, before anything is decoded.
 *
 * @throws FoveaError `INVALID_REQUEST` without an image or for something OCR cannot give, `INVALID_IMAGE` and
 *   `IMAGE_TOO_LARGE` with the path of the image, `CONTEXT_LENGTH_EXCEEDED`.
 */
export function parseOcrRequest(request: ChatModelRequest, maxModelLen: number): OcrRequest {
  if (request.sampling.topLogprobs !== undefined) {
    throw new FoveaError('INVALID_REQUEST', {
      message: 'This model gives no log probabilities.',
      param: 'logprobs',
    });
  }
  if (request.answerTokenIds !== undefined || request.continueFinalMessage === true) {
    throw new FoveaError('INVALID_REQUEST', {
      message: 'This model reads pictures anew; it cannot go on with an answer.',
      param: request.answerTokenIds === undefined ? 'continue_final_message' : 'answer_token_ids',
    });
  }
  const images = lastImages(request);
  if (images.length === 0) {
    throw new FoveaError('INVALID_REQUEST', {
      message: 'This model reads the text in pictures: send an image.',
      param: 'messages',
    });
  }
  const promptTokens = images.reduce((sum, image) => sum + countTokens(image), 0);
  if (promptTokens >= maxModelLen) {
    throw new FoveaError('CONTEXT_LENGTH_EXCEEDED', {
      message: `The images have ${promptTokens} tokens; image and answer together may have ${maxModelLen}.`,
      param: 'input_tokens',
      limit: { name: 'max_model_len', value: maxModelLen, actual: promptTokens },
    });
  }
  return { images, promptTokens };
}

function lastImages({ messages }: ChatModelRequest): ChatImage[] {
  const perMessage = messages.map(({ content }) =>
    content.flatMap((part) => (part.type === 'image' ? [part.image] : [])),
  );
  return perMessage.findLast((images) => images.length > 0) ?? [];
}

function countTokens({ bytes, path }: ChatImage): number {
  const header = readHeader(bytes, path);
  assertImageWithinLimits(header, { maxSidePx }, path);
  return countPpOcrTokens(header.width, header.height);
}

function readHeader(bytes: Uint8Array, path: string) {
  try {
    const header = probeImageHeader(bytes);
    if (typeof header !== 'string') return header;
    throw new FoveaError('INVALID_IMAGE', { detail: header });
  } catch (error) {
    const { message, detail } = FoveaError.from(error);
    throw new FoveaError('INVALID_IMAGE', { message, detail, param: path, cause: error });
  }
}
