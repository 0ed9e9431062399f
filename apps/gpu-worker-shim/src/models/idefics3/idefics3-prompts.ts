import { FoveaError } from '@fovea/errors';
import {
  decodeIdefics3Image,
  type Idefics3Grid,
  type Idefics3Image,
  type Idefics3ImageSettings,
  idefics3TileCount,
  readIdefics3Grid,
} from '@fovea/image-preprocessing';
import type { Prompt } from '../../engine/generation-request.js';
import { ImageCache, type ImageFeatures, imageDigest } from '../../engine/image-cache.js';
import type { Calls } from '../../engine/threads/call-thread.js';
import { Turnstile } from '../../engine/turnstile.js';
import type { ChatImage, ChatModelRequest } from '../chat-model.js';
import type { CompletionRequest } from '../completion-model.js';
import type { PreparedRaw, PromptSource } from '../language/language-model.js';
import type { PromptTokens } from '../language/prompt-tokens.js';
import type { EncodedPrompt } from '../language/raw-prompt.js';
import type { ChatPromptSource } from '../tokenizing-model.js';
import type { PromptRequest } from './prompt/idefics3-prompt.js';
import { idefics3ImageText } from './prompt/image-text.js';
import type { VisionRequest } from './thread-settings.js';

export interface Idefics3PromptsSettings {
  readonly image: Idefics3ImageSettings;
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
  readonly imageCacheBytes: number;
}

/** Decoded pictures are large; while two requests are prepared, one keeps the vision encoder busy. */
const PREPARED_TOGETHER = 2;

type Features = ImageFeatures<Idefics3Grid>;
type ImageRequest = Pick<ChatModelRequest, 'imageOptions' | 'cacheSalt' | 'priority'>;
/** Writes the prompt when it is known how its images are cut. */
type PromptEncoder = (grids: readonly Idefics3Grid[]) => Promise<EncodedPrompt>;

/** Prompts of Idefics3 and SmolVLM: images to embeddings in one thread, text to tokens in another. */
export class Idefics3Prompts implements PromptSource {
  readonly multimodal = true;
  private readonly preparation = new Turnstile(PREPARED_TOGETHER);
  private readonly images: ImageCache<Idefics3Grid>;

  constructor(
    private readonly settings: Idefics3PromptsSettings,
    private readonly tokens: PromptTokens<PromptRequest>,
    private readonly vision: Calls<VisionRequest, Float32Array<ArrayBuffer>>,
  ) {
    this.images = new ImageCache(settings.imageCacheBytes);
  }

  get isHealthy(): boolean {
    return this.tokens.isHealthy && this.vision.isHealthy;
  }

  get imageCounts(): { readonly queries: number; readonly hits: number } {
    return this.images;
  }

  async close(): Promise<void> {
    await Promise.all([this.tokens.close(), this.vision.close()]);
  }

  async prepare(request: ChatModelRequest, signal: AbortSignal): Promise<Prompt> {
    const images = this.tokens.checkSize(request.messages.flatMap(({ content }) => content));
    const chat = this.tokens.toChat(request);
    const encode = (grids: readonly Idefics3Grid[]) =>
      this.tokens.encode({ chat: { ...chat, grids } }, signal);
    return (await this.prepareAny(request, images, encode, signal)).prompt;
  }

  async prepareRaw(request: CompletionRequest, signal: AbortSignal): Promise<PreparedRaw> {
    const images = this.tokens.checkSize(request.items);
    this.assertNoImageToken(request.items);
    const { tokensPerTile } = this.settings;
    const encode = (grids: readonly Idefics3Grid[]) => {
      const texts = grids.map((grid) => idefics3ImageText(grid, tokensPerTile));
      return this.tokens.encode({ raw: this.tokens.toRaw(request, texts) }, signal);
    };
    return this.prepareAny(request, images, encode, signal);
  }

  /** Neither decodes nor encodes: how an image is cut follows from its size. */
  async tokenize(chat: ChatPromptSource, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>> {
    const settings = { ...this.settings.image, ...chat.imageOptions };
    const grids: Idefics3Grid[] = [];
    for (const { bytes, path } of this.tokens.checkCount(chat)) {
      grids.push(await readIdefics3Grid(bytes, settings, path));
      signal.throwIfAborted();
    }
    return this.tokens.count({ ...this.tokens.toChat(chat), grids }, signal);
  }

  /** The id stands for embeddings, and a client has none to give. */
  private assertNoImageToken(items: CompletionRequest['items']): void {
    const { imageTokenId } = this.settings;
    const found = items.find((item) => item.type === 'token-ids' && item.tokenIds.includes(imageTokenId));
    if (found?.type !== 'token-ids') return;
    throw new FoveaError('INVALID_REQUEST', {
      message: `token_id ${imageTokenId} stands for a piece of an image; send the image instead.`,
      param: found.path,
    });
  }

  private async prepareAny(
    request: ImageRequest,
    images: readonly ChatImage[],
    encode: PromptEncoder,
    signal: AbortSignal,
  ): Promise<PreparedRaw> {
    const settings = { ...this.settings.image, ...request.imageOptions };
    const digests = await Promise.all(
      // A salt keeps apart who must not learn, by the time it takes, what others have asked about.
      images.map((image) =>
        imageDigest(image, JSON.stringify([settings, request.cacheSalt ?? '', image.crop?.area])),
      ),
    );
    this.images.queries += images.length;
    const known = digests.map((digest) => this.images.find(digest));
    if (known.every((features) => features !== undefined)) {
      this.images.hits += images.length;
      const { ids, echo } = await encode(known.map(({ grid }) => grid));
      return { prompt: this.toPrompt(ids, digests, known), echo };
    }
    const encodeAll = () => this.encodeImages(encode, images, digests, settings, signal);
    return this.preparation.pass(signal, encodeAll, request.priority);
  }

  /** Decodes what is not known, writes the prompt, and encodes only when that fits the context. */
  private async encodeImages(
    encode: PromptEncoder,
    images: readonly ChatImage[],
    digests: readonly string[],
    settings: Idefics3ImageSettings,
    signal: AbortSignal,
  ): Promise<PreparedRaw> {
    const cuts = new Map<string, Features | Idefics3Image>();
    for (const [at, image] of images.entries()) {
      const digest = digests[at]!;
      const known = cuts.get(digest) ?? this.images.find(digest);
      if (known !== undefined) this.images.hits += 1;
      cuts.set(digest, known ?? (await decodeIdefics3Image(image.bytes, settings, image.path, image.crop)));
      signal.throwIfAborted();
    }
    const { ids, echo } = await encode(digests.map((digest) => cuts.get(digest)!.grid));
    const features = new Map<string, Features>();
    for (const [digest, cut] of cuts) {
      features.set(digest, 'embeddings' in cut ? cut : await this.encodeImage(digest, cut, signal));
    }
    const all = digests.map((digest) => features.get(digest)!);
    return { prompt: this.toPrompt(ids, digests, all), echo };
  }

  private encodeImage(digest: string, image: Idefics3Image, signal: AbortSignal): Promise<Features> {
    const pixels = [image.canvas.buffer, image.overview?.buffer ?? []].flat();
    const transfer = pixels.filter((buffer) => buffer instanceof ArrayBuffer);
    const encode = async (ownSignal: AbortSignal) => ({
      grid: image.grid,
      embeddings: await this.vision.call({ images: [image] }, ownSignal, transfer),
    });
    return this.images.encode(digest, encode, signal);
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
}
