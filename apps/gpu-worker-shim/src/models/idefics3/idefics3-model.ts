import { FoveaError } from '@fovea/errors';
import {
  decodeIdefics3Image,
  type Idefics3Grid,
  type Idefics3Image,
  type Idefics3ImageSettings,
  idefics3TileCount,
} from '@fovea/image-preprocessing';
import { Admission } from '../../engine/admission.js';
import type { Prompt } from '../../engine/generation-request.js';
import { ImageCache, type ImageFeatures, imageDigest } from '../../engine/image-cache.js';
import { assertInVocabulary, resolveSampling, type SamplingDefaults } from '../../engine/resolve-sampling.js';
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
  /** Tokens whose keys and values can be held at the same time. */
  readonly kvCacheTokens: number;
  readonly imageCacheBytes: number;
}

/** Decoded pictures are large; while two requests are prepared, one keeps the vision encoder busy. */
const PREPARED_TOGETHER = 2;

type Features = ImageFeatures<Idefics3Grid>;

/** Idefics3 and SmolVLM: images to embeddings in one thread, prompts to tokens in a second, decoding in a third. */
export class Idefics3Model implements ChatModel {
  readonly multimodal = true;
  private readonly admission: Admission;
  private readonly preparation = new Turnstile(PREPARED_TOGETHER);
  private readonly images: ImageCache<Idefics3Grid>;

  constructor(
    private readonly settings: Idefics3ModelSettings,
    private readonly threads: Idefics3Threads,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
    this.images = new ImageCache(settings.imageCacheBytes);
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
    const { running, cachedTokens, ...counts } = this.threads.decoder.load;
    return {
      running,
      waiting: Math.max(0, this.admission.inFlight - running),
      kvCacheUsage: cachedTokens / this.settings.kvCacheTokens,
      caches: { ...counts, imageQueries: this.images.queries, imageHits: this.images.hits },
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
      yield* this.generate(request, await this.prepare(request, signal), signal);
    } finally {
      place.release();
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.threads).map((thread) => thread.close()));
  }

  private async prepare(request: ChatModelRequest, signal: AbortSignal): Promise<Prompt> {
    const images = this.checkSize(request);
    const settings = { ...this.settings.image, ...request.imageOptions };
    // A salt keeps apart who must not learn, by the time it takes, what others have asked about.
    const key = JSON.stringify([settings, request.cacheSalt ?? '']);
    const digests = await Promise.all(images.map(({ bytes }) => imageDigest(bytes, key)));
    this.images.queries += images.length;
    const known = digests.map((digest) => this.images.find(digest));
    if (known.every((features) => features !== undefined)) {
      this.images.hits += images.length;
      return this.toPrompt(await this.encodePrompt(request, known, signal), digests, known);
    }
    return this.preparation.pass(signal, () => this.encodeImages(request, images, digests, settings, signal));
  }

  /** Decodes what is not known, writes the prompt, and encodes only when that fits the context. */
  private async encodeImages(
    request: ChatModelRequest,
    images: readonly ChatImage[],
    digests: readonly string[],
    settings: Idefics3ImageSettings,
    signal: AbortSignal,
  ): Promise<Prompt> {
    const cuts = new Map<string, Features | Idefics3Image>();
    for (const [at, image] of images.entries()) {
      const digest = digests[at]!;
      const known = cuts.get(digest) ?? this.images.find(digest);
      if (known !== undefined) this.images.hits += 1;
      cuts.set(digest, known ?? (await decodeIdefics3Image(image.bytes, settings, image.path)));
      signal.throwIfAborted();
    }
    const ids = await this.encodePrompt(
      request,
      digests.map((digest) => cuts.get(digest)!),
      signal,
    );
    const features = new Map<string, Features>();
    for (const [digest, cut] of cuts) {
      features.set(digest, 'embeddings' in cut ? cut : await this.encodeImage(digest, cut, signal));
    }
    return this.toPrompt(
      ids,
      digests,
      digests.map((digest) => features.get(digest)!),
    );
  }

  private encodeImage(digest: string, image: Idefics3Image, signal: AbortSignal): Promise<Features> {
    const pixels = [image.canvas.buffer, image.overview?.buffer ?? []].flat();
    const transfer = pixels.filter((buffer) => buffer instanceof ArrayBuffer);
    const encode = async (ownSignal: AbortSignal) => ({
      grid: image.grid,
      embeddings: await this.threads.vision.call({ images: [image] }, ownSignal, transfer),
    });
    return this.images.encode(digest, encode, signal);
  }

  private async encodePrompt(
    request: ChatModelRequest,
    images: readonly { readonly grid: Idefics3Grid }[],
    signal: AbortSignal,
  ): Promise<Int32Array<ArrayBuffer>> {
    const prompt: PromptRequest = {
      messages: request.messages.map(({ role, name, content }) => ({
        role,
        ...(name !== undefined && { name }),
        content: content.map((part) => (part.type === 'text' ? part : { type: 'image' as const })),
      })),
      grids: images.map(({ grid }) => grid),
      addGenerationPrompt: request.addGenerationPrompt ?? true,
      continueFinalMessage: request.continueFinalMessage ?? false,
    };
    const ids = await this.threads.prompt.call(prompt, signal);
    if (ids.length >= this.maxModelLen) throw this.tooLong(`${ids.length}`);
    return ids;
  }

  /** Copies the embeddings: the prompt moves to another thread, what is kept stays. */
  private toPrompt(
    ids: Int32Array<ArrayBuffer>,
    digests: readonly string[],
    images: readonly Features[],
  ): Prompt {
    const features = new Float32Array(images.reduce((sum, { embeddings }) => sum + embeddings.length, 0));
    let at = 0;
    for (const { embeddings } of images) {
      features.set(embeddings, at);
      at += embeddings.length;
    }
    return {
      ids,
      imageTokenId: this.settings.imageTokenId,
      features,
      images: images.map(({ grid }, index) => ({
        digest: digests[index]!,
        tokens: idefics3TileCount(grid) * this.settings.tokensPerTile,
      })),
    };
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
    prompt: Prompt,
    signal: AbortSignal,
  ): AsyncGenerator<ChatModelPiece, void> {
    const promptTokens = prompt.ids.length;
    const promptTokenIds = [...prompt.ids];
    const choices = resolveSampling(request.sampling, request.choices, promptTokens, this.settings);
    const { priority, cacheSalt, answerTokenIds: answerIds } = request;
    assertInVocabulary(answerIds ?? [], this.settings.vocabularySize, 'answer_token_ids');
    let isFirst = true;
    for await (const piece of this.threads.decoder.generate(
      {
        prompt,
        choices,
        ...(priority !== undefined && { priority }),
        ...(cacheSalt !== undefined && { cacheSalt }),
        ...(answerIds !== undefined && { answerIds }),
      },
      signal,
    )) {
      yield { ...piece, promptTokens, ...(isFirst && { promptTokenIds }) };
      isFirst = false;
    }
  }
}
