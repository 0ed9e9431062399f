import type { EngineSettings } from '../engine/engine-options.js';
import type { Prompt } from '../generation/sampling.js';
import { VllmError } from '../http/vllm-error.js';
import type { PixelBounds } from '../media/image-tokens.js';
import type { ImagePart } from '../media/open-image.js';
import type { SeenImage } from '../media/seen-image.js';
import { encode, hash, imagePadId, tokenId } from '../tokenizer/vocabulary.js';
import type { ChatMessage, ChatRequestBody } from './chat-schema.js';

export type PromptBody = Pick<ChatRequestBody, 'messages' | 'tools' | 'continue_final_message'>;

/** The text of a message, its tool calls included; images leave no trace. */
export function textOf(message: Pick<ChatMessage, 'content' | 'tool_calls'>): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => ('text' in part ? String(part.text) : '')).join(' ');
}

/** What scripts match on. */
export function lastUserText(messages: readonly ChatMessage[]): string {
  return textOf(messages.findLast((message) => message.role === 'user') ?? {});
}

type Part = Exclude<NonNullable<ChatMessage['content']>, string>[number];

function toImagePart(part: Part, settings: EngineSettings): ImagePart | undefined {
  if ('text' in part && !('image_url' in part)) return undefined;
  if (!('image_url' in part || 'image' in part)) {
    const type = String(part.type);
    if (type === 'image_embeds') {
      throw new VllmError(400, 'You must set `--enable-mm-embeds` to input `image_embeds`');
    }
    throw new VllmError(settings.dialect.unknownPartStatus, `Unsupported chat content part type: '${type}'`, {
      param: 'type',
    });
  }
  if (!settings.multimodal) throw new VllmError(400, `${settings.model} is not a multimodal model`);
  const given = 'image' in part ? part.image : part.image_url;
  const url = typeof given === 'object' && given !== null && 'url' in given ? given.url : given;
  const uuid = typeof part.uuid === 'string' ? part.uuid : undefined;
  return { url: typeof url === 'string' ? url : '', uuid };
}

/** The images of all messages in their order; throws a `VllmError` for parts the model can't take. */
export function imagePartsOf(messages: readonly ChatMessage[], settings: EngineSettings): ImagePart[] {
  const parts = messages
    .flatMap(({ content }) => (typeof content === 'string' ? [] : (content ?? [])))
    .flatMap((part) => toImagePart(part, settings) ?? []);
  const { maxImagesPerPrompt } = settings;
  if (parts.length > maxImagesPerPrompt) {
    throw new VllmError(400, `At most ${maxImagesPerPrompt} image(s) may be provided in one prompt.`);
  }
  return parts;
}

/** Pixel bounds as `mm_processor_kwargs` sets them; they have no effect inside an image part. */
export function pixelBounds(kwargs: Readonly<Record<string, unknown>> | null | undefined): PixelBounds {
  const read = (name: string): number | undefined => {
    const value = kwargs?.[name];
    return typeof value === 'number' ? value : undefined;
  };
  return { minPixels: read('min_pixels'), maxPixels: read('max_pixels') };
}

function imageIds(image: SeenImage, pad: number): number[] {
  return [tokenId('<|vision_start|>'), ...Array<number>(image.tokens).fill(pad), tokenId('<|vision_end|>')];
}

/** What goes before the words of a message and after them: four tokens, three when the last one is left open. */
function wrap(role: string, body: readonly number[], isOpen: boolean): number[] {
  const start = ['<|im_start|>', role, '\n'].map(tokenId);
  return [...start, ...body, ...(isOpen ? [] : [tokenId('<|im_end|>')])];
}

/** Tokens of a message, where `padOf` says how each place of an image is written. */
function messageIds(
  message: ChatMessage,
  images: readonly SeenImage[],
  padOf: (image: SeenImage) => number,
  isOpen: boolean,
): number[] {
  let at = 0;
  const parts = typeof message.content === 'string' ? [{ text: message.content }] : (message.content ?? []);
  const body = parts.flatMap((part) => {
    if ('text' in part && !('image_url' in part)) return encode(String(part.text));
    const image = images[at];
    at += 1;
    return image === undefined ? [] : imageIds(image, padOf(image));
  });
  const calls = (message.tool_calls ?? []).flatMap((call) =>
    encode(`${call.function.name} ${call.function.arguments}`),
  );
  return wrap(message.role, [...body, ...calls], isOpen);
}

function imageCount(message: ChatMessage): number {
  if (typeof message.content === 'string') return 0;
  return (message.content ?? []).filter((part) => 'image_url' in part || 'image' in part).length;
}

/** The prompt a chat template would make; the same for the request and for `/tokenize`. */
export function buildPrompt(body: PromptBody, images: readonly SeenImage[]): Prompt {
  const build = (padOf: (image: SeenImage) => number): number[] => {
    let from = 0;
    const tools = body.tools == null ? [] : encode(JSON.stringify(body.tools).replaceAll(',', ', '));
    const messages = body.messages.flatMap((message, at) => {
      const mine = images.slice(from, from + imageCount(message));
      from += mine.length;
      const isLast = at === body.messages.length - 1;
      return messageIds(message, mine, padOf, isLast && body.continue_final_message === true);
    });
    return [...tools, ...messages];
  };
  const ids = build(() => imagePadId);
  if (images.length === 0) return { ids, cacheIds: ids };
  return { ids, cacheIds: build((image) => hash(image.uuid ?? image.sha256)) };
}

/** Tokens before images are expanded: each of them is one. */
export function unexpandedLength(prompt: Prompt, images: readonly SeenImage[]): number {
  return images.reduce((length, image) => length - image.tokens + 1, prompt.ids.length);
}
