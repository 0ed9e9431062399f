import { Admission } from '../../engine/admission.js';
import type { CallThread } from '../../engine/threads/call-thread.js';
import { Turnstile } from '../../engine/turnstile.js';
import type { ChatImage, ChatModel, ChatModelLoad, ChatModelPiece, ChatModelRequest } from '../chat-model.js';
import { AnswerText } from './answer-text.js';
import { parseOcrRequest } from './ocr-request.js';
import type { OcrStep, OcrStepAnswer } from './thread/ocr-protocol.js';

export interface OcrModelSettings {
  readonly id: string;
  readonly maxModelLen: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** Every running request holds one decoded picture, up to 48 MB; more at a time would not be read any sooner. */
const maxOpenPictures = 4;

const neverAborted = new AbortController().signal;

/**
 * Answers with the text that stands in the images of the last message that has any.
 *
 * The answer has one line per row of text, in reading order, and no blank line; a blank line parts one image from the
 * next, also where an image has no text. So `answer.split('\n\n')` has one entry per image, in the order of the
 * images, and numbers would only have to be taken out again. No text at all is an empty answer.
 *
 * What is asked in words, and every sampling parameter but `max_tokens` and `stop`, makes no difference: there is
 * nothing to sample, so several choices are the same text.
 */
export class OcrModel implements ChatModel {
  readonly multimodal = true;
  private readonly admission: Admission;
  private readonly turnstile: Turnstile;
  private running = 0;
  private lastPicture = 0;

  constructor(
    private readonly settings: OcrModelSettings,
    private readonly thread: CallThread<OcrStep, OcrStepAnswer>,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
    this.turnstile = new Turnstile(Math.min(settings.maxRunning, maxOpenPictures));
  }

  get id(): string {
    return this.settings.id;
  }

  get maxModelLen(): number {
    return this.settings.maxModelLen;
  }

  get isHealthy(): boolean {
    return this.thread.isHealthy;
  }

  load(): ChatModelLoad {
    return { running: this.running, waiting: this.admission.inFlight - this.running, kvCacheUsage: 0 };
  }

  async *start(request: ChatModelRequest, signal: AbortSignal): AsyncGenerator<ChatModelPiece, void> {
    const { images, promptTokens } = parseOcrRequest(request, this.maxModelLen);
    const room = this.maxModelLen - promptTokens;
    const answer = new AnswerText(request.sampling, Math.min(room, request.sampling.maxTokens ?? room));
    const place = this.admission.enter(1);
    try {
      const leave = await this.takeTurn(signal);
      this.running += 1;
      try {
        for await (const piece of answerPieces(answer, this.readImages(images, signal))) {
          for (let index = 0; index < request.choices; index += 1) {
            yield { ...piece, index, tokenIds: [], promptTokens };
          }
        }
      } finally {
        this.running -= 1;
        leave();
      }
    } finally {
      place.release();
    }
  }

  async close(): Promise<void> {
    await this.thread.close();
  }

  /** Waits for one of the places that hold a picture; returns how to leave it. */
  private takeTurn(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      this.turnstile.pass(signal, () => new Promise<void>(resolve)).catch(reject);
    });
  }

  private async *readImages(images: readonly ChatImage[], signal: AbortSignal): AsyncGenerator<string, void> {
    for (const [at, image] of images.entries()) {
      if (at > 0) yield '\n\n';
      yield* this.readImage(image, signal);
    }
  }

  /** Yields each row as soon as it is read, with the line break that parts it from the row before. */
  private async *readImage(image: ChatImage, signal: AbortSignal): AsyncGenerator<string, void> {
    this.lastPicture += 1;
    const picture = this.lastPicture;
    try {
      const file = toMovable(image);
      const find = { step: 'find', picture, file, path: image.path } as const;
      const { rows } = await this.thread.call(find, signal, [file.buffer]);
      let isFirst = true;
      for (let row = 0; row < rows; row += 1) {
        const { text } = await this.thread.call({ step: 'read', picture, row }, signal);
        if (text === '') continue;
        yield isFirst ? text : `\n${text}`;
        isFirst = false;
      }
    } finally {
      this.forget(picture);
    }
  }

  /** Nobody waits for it; when the thread is gone, so is the picture. */
  private forget(picture: number): void {
    this.thread.call({ step: 'forget', picture }, neverAborted).catch(() => undefined);
  }
}

/** A file in a buffer that can move: a copy where others lie in it, which structured clone would drag along. */
function toMovable({ bytes, isMovable }: ChatImage): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return isMovable === true && buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

type TextPiece = Pick<ChatModelPiece, 'text' | 'completionTokens' | 'end'>;

/** Runs texts through the answer's limits up to its end. */
async function* answerPieces(
  answer: AnswerText,
  texts: AsyncIterable<string>,
): AsyncGenerator<TextPiece, void> {
  for await (const text of texts) {
    const piece = answer.add(text);
    if (piece.text !== '' || piece.end !== undefined) yield piece;
    if (piece.end !== undefined) return;
  }
  yield answer.finish();
}
