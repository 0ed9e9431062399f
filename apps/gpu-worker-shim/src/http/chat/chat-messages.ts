import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import type { ChatModelMessage, ChatModelPart } from '../../models/chat-model.js';
import type { ImageUrls } from '../media/image-urls.js';
import type { WireMessage } from './chat-fields.js';

const textTypes = new Set(['text', 'input_text', 'output_text', 'refusal']);

const partSchema = z.looseObject({ type: z.string().optional() });
const urlSchema = z.looseObject({ url: z.string() });

const refuse = (message: string, param: string) => new FoveaError('INVALID_REQUEST', { message, param });

async function parseImagePart(
  value: unknown,
  isShorthand: boolean,
  path: string,
  images: ImageUrls,
): Promise<ChatModelPart> {
  if (isShorthand && typeof value === 'string') {
    return { type: 'image', image: { ...(await images.read(value, path)), path } };
  }
  const parsed = urlSchema.safeParse(value);
  if (!parsed.success) throw refuse(`${path}: must be an object with a string "url"`, path);
  const urlPath = `${path}.url`;
  return { type: 'image', image: { ...(await images.read(parsed.data.url, urlPath)), path: urlPath } };
}

/** One entry of `content`. Extra keys, `detail` among them, are ignored, as vLLM does. */
async function parsePart(value: unknown, path: string, images: ImageUrls): Promise<ChatModelPart> {
  if (typeof value === 'string') return { type: 'text', text: value };
  const parsed = partSchema.safeParse(value);
  if (!parsed.success) throw refuse(`${path}: must be an object with a "type"`, path);
  const { type, ...fields } = parsed.data;
  if (type === 'image_url' || (type === undefined && fields.image_url !== undefined)) {
    return parseImagePart(fields.image_url, type === undefined, `${path}.image_url`, images);
  }
  if (type !== undefined && !textTypes.has(type)) {
    throw refuse(`Unsupported chat content part type: ${type.slice(0, 64)}`, `${path}.type`);
  }
  const name = type === 'refusal' ? 'refusal' : 'text';
  const text = fields[name];
  if (typeof text !== 'string') throw refuse(`${path}.${name}: must be a string`, `${path}.${name}`);
  return { type: 'text', text };
}

/**
 * Messages as a model takes them, images read from their URLs one after the other.
 *
 * @throws FoveaError with the path of the part: `messages[0].content[1].image_url.url`, and what `ImageUrls.read` throws.
 */
export async function parseChatMessages(
  messages: readonly WireMessage[],
  images: ImageUrls,
): Promise<ChatModelMessage[]> {
  const parsed: ChatModelMessage[] = [];
  for (const [at, { role, content, name }] of messages.entries()) {
    const parts = typeof content === 'string' ? [content] : (content ?? []);
    const own: ChatModelPart[] = [];
    for (const [index, part] of parts.entries()) {
      own.push(await parsePart(part, `messages[${at}].content[${index}]`, images));
    }
    parsed.push({ role, content: own, ...(typeof name === 'string' && { name }) });
  }
  return parsed;
}
