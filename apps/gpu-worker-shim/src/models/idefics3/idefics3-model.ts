import { FoveaError } from '@fovea/errors';
import {
  decodeIdefics3Image,
  type Idefics3Image,
  type Idefics3ImageSettings,
} from '@fovea/image-preprocessing';
import { Admission } from '../../engine/admission.js';
import { resolveSampling, type SamplingDefaults } from '../../engine/resolve-sampling.js';
import type { CallThread } from '../../engine/threads/call-thread.js';
import type { DecoderThread } from '../../engine/threads/decoder-thread.js';
import { Turnstile } from '../../engine/turnstile.js';
import type { ChatImage, ChatModel, ChatModelLoad, ChatModelPiece, ChatModelRequest } from '../chat-model.js';
import type { PromptRequest } from './prompt/idefics3-prompt.js';
import type { VisionRequest } from './thread-settings.js';

export interface Idefics3Threads {
  readonly prompt: CallThread<PromptRequest, Int32Array<ArrayBuffer>>;
  readonly vision: CallThread<VisionRequest, Float32Array<ArrayBuffer>>;
  readonly decoder: DecoderThread;
}

export interface Idefics3ModelSettings extends SamplingDefaults {
  readonly id: string;
  readonly image: Idefics3ImageSettings;
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
  /** Text of more characters than this cannot fit the context. */
  readonly maxTextCharacters: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** Decoded pictures are large; while two requests are prepared, one keeps the vision encoder busy. */
const PREPARED_TOGETHER = 2;

/** A request up to the point where the decoder takes over. */
interface Prepared {
  readonly ids: Int32Array<ArrayBuffer>;
  readonly features: Float32Array<ArrayBuffer>;
}

/** Idefics3 and SmolVLM: images to embeddings in one thread, prompts to tokens in a second, decoding in a third. */
export class Idefics3Model implements ChatModel {
  readonly multimodal = true;
  private readonly admission: Admission;
  private readonly preparation = new Turnstile(PREPARED_TOGETHER);

  constructor(
    private readonly settings: Idefics3ModelSettings,
    private readonly threads: Idefics3Threads,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
  }

  get id(): string {
    return this.settings.id;
  }

  get maxModelLen(): number {
    return this.settings.maxModelLen;
  }

  get isHealthy(): boolean {
    return Object.values(this.threads).every((thread) => thread.isHealthy);
  }

  load(): ChatModelLoad {
    const { running, cachedTokens } = this.threads.decoder.load;
    return {
      running,
      waiting: Math.max(0, this.admission.inFlight - running),
      kvCacheUsage: cachedTokens / (this.settings.maxRunning * this.maxModelLen),
    };
  }

  async *start(request: ChatModelRequest, signal: AbortSignal): AsyncGenerator<ChatModelPiece, void> {
    if (request.choices > this.settings.maxRunning) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `n must be at most ${this.settings.maxRunning}, got ${request.choices}.`,
        param: 'n',
      });
    }
    const place = this.admission.enter(request.choices);
    try {
      const prepared = await this.preparation.pass(signal, () => this.prepare(request, signal));
      yield* this.generate(request, prepared, signal);
    } finally {
      place.release();
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.threads).map((thread) => thread.close()));
  }

  private async prepare(request: ChatModelRequest, signal: AbortSignal): Promise<Prepared> {
    const images = this.checkSize(request);
    const decoded: Idefics3Image[] = [];
    const imageSettings = { ...this.settings.image, ...request.imageOptions };
    for (const image of images) {
      decoded.push(await decodeIdefics3Image(image.bytes, imageSettings, image.path));
      signal.throwIfAborted();
    }
    const prompt: PromptRequest = {
      messages: request.messages.map(({ role, name, content }) => ({
        role,
        ...(name !== undefined && { name }),
        content: content.map((part) => (part.type === 'text' ? part : { type: 'image' as const })),
      })),
      grids: decoded.map(({ grid }) => grid),
      addGenerationPrompt: request.addGenerationPrompt ?? true,
    };
    const ids = await this.threads.prompt.call(prompt, signal);
    if (ids.length >= this.maxModelLen) throw this.tooLong(`${ids.length}`);
    if (decoded.length === 0) return { ids, features: new Float32Array() };
    const pixels = decoded.flatMap(({ canvas, overview }) => [canvas.buffer, overview?.buffer ?? []].flat());
    const transfer = pixels.filter((buffer) => buffer instanceof ArrayBuffer);
    return { ids, features: await this.threads.vision.call({ images: decoded }, signal, transfer) };
  }

  /** Refuses what cannot fit before any pixel is decoded or any text is tokenised; returns the images. */
  private checkSize({ messages }: ChatModelRequest): ChatImage[] {
    const parts = messages.flatMap((message) => message.content);
    const images = parts.flatMap((part) => (part.type === 'image' ? [part.image] : []));
    const imageTokens = images.length * this.settings.tokensPerTile;
    if (imageTokens >= this.maxModelLen) throw this.tooLong(`at least ${imageTokens}`);
    const characters = parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
    if (characters > this.settings.maxTextCharacters) throw this.tooLong(`more than ${this.maxModelLen}`);
    return images;
  }

  private tooLong(tokens: string): FoveaError {
    return new FoveaError('CONTEXT_LENGTH_EXCEEDED', {
      message:
        `This model's maximum context length is ${this.maxModelLen} tokens. However, your request has ${tokens} ` +
        'input tokens, images included. Please reduce the length of the input messages.',
      param: 'input_tokens',
      limit: { name: 'max_model_len', value: this.maxModelLen },
    });
  }

  private async *generate(
    request: ChatModelRequest,
    { ids, features }: Prepared,
    signal: AbortSignal,
  ): AsyncGenerator<ChatModelPiece, void> {
    const { imageTokenId } = this.settings;
    const promptTokens = ids.length;
    const choices = resolveSampling(request.sampling, request.choices, promptTokens, this.settings);
    let isFirst = true;
    for await (const piece of this.threads.decoder.generate(
      { prompt: { ids, imageTokenId, features }, choices },
      signal,
    )) {
      yield { ...piece, promptTokens, ...(isFirst && { promptTokenIds: [...ids] }) };
      isFirst = false;
    }
  }
}
