import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import type { ChatModelMessage, ChatModelPart } from '../../models/chat-model.js';
import type { WireMessage } from './chat-fields.js';
import { decodeDataUrl } from './data-url.js';

const textTypes = new Set(['text', 'input_text', 'output_text', 'refusal']);

const partSchema = z.looseObject({ type: z.string().optional() });
const urlSchema = z.looseObject({ url: z.string() });

const refuse = (message: string, param: string) => new FoveaError('INVALID_REQUEST', { message, param });

function parseImagePart(value: unknown, isShorthand: boolean, path: string): ChatModelPart {
  if (isShorthand && typeof value === 'string') {
    return { type: 'image', image: { bytes: decodeDataUrl(value, path), path } };
  }
  const parsed = urlSchema.safeParse(value);
  if (!parsed.success) throw refuse(`${path}: must be an object with a string "url"`, path);
  const urlPath = `${path}.url`;
  return { type: 'image', image: { bytes: decodeDataUrl(parsed.data.url, urlPath), path: urlPath } };
}

/** One entry of `content`. Extra keys, `detail` among them, are ignored, as vLLM does. */
function parsePart(value: unknown, path: string): ChatModelPart {
  if (typeof value === 'string') return { type: 'text', text: value };
  const parsed = partSchema.safeParse(value);
  if (!parsed.success) throw refuse(`${path}: must be an object with a "type"`, path);
  const { type, ...fields } = parsed.data;
  if (type === 'image_url' || (type === undefined && fields.image_url !== undefined)) {
    return parseImagePart(fields.image_url, type === undefined, `${path}.image_url`);
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
 * Messages as a model takes them, images decoded from their data URLs.
 *
 * @throws FoveaError with the path of the part: `messages[0].content[1].image_url.url`.
 */
export function parseChatMessages(messages: readonly WireMessage[]): ChatModelMessage[] {
  return messages.map(({ role, content, name }, at) => {
    const parts = typeof content === 'string' ? [content] : (content ?? []);
    return {
      role,
      content: parts.map((part, index) => parsePart(part, `messages[${at}].content[${index}]`)),
      ...(typeof name === 'string' && { name }),
    };
  });
}
