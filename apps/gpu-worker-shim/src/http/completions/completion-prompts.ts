import type { ImageCrop } from '@fovea/image-preprocessing';
import { z } from 'zod';
import type { CompletionItem } from '../../models/completion-model.js';
import type { ImageUrls } from '../media/image-urls.js';
import { MalformedRequest } from '../vllm-error.js';

/** Each is a request of its own to the engine. */
const MAX_PROMPTS = 128;
/** Neighbouring items of luminous-type prompts are cut finely by some clients, but not that finely. */
const MAX_ITEMS = 4096;

const malformed = (path: string, problem: string) => new MalformedRequest(`${path}: ${problem}`, path);

const isTokenId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

/** By hand, since a schema over a million token ids would hold up the event loop. */
function tokensAt(value: readonly unknown[], path: string): CompletionItem {
  if (value.every(isTokenId)) return { type: 'token-ids', tokenIds: value, path };
  throw malformed(`${path}[${value.findIndex((id) => !isTokenId(id))}]`, 'must be a token id');
}

const textItem = (text: string): CompletionItem => ({ type: 'text', text });

/** A string, strings, token ids, or lists of token ids; `MalformedRequest` with the path of what is neither. */
function parsePlainPrompts(value: unknown): CompletionItem[][] {
  if (typeof value === 'string') return [[textItem(value)]];
  if (!Array.isArray(value)) {
    throw malformed('prompt', 'must be a string, strings, token ids, or lists of token ids');
  }
  const list: readonly unknown[] = value;
  if (list.length === 0) throw malformed('prompt', 'must hold at least one prompt');
  if (typeof list[0] === 'number') return [[tokensAt(list, 'prompt')]];
  if (list.length > MAX_PROMPTS) {
    throw malformed('prompt', `must hold at most ${MAX_PROMPTS} prompts, has ${list.length}`);
  }
  const areTexts = typeof list[0] === 'string';
  return list.map((one, at) => {
    const path = `prompt[${at}]`;
    if (areTexts && typeof one === 'string') return [textItem(one)];
    if (!areTexts && Array.isArray(one)) return [tokensAt(one, path)];
    throw malformed(path, `must be ${areTexts ? 'a string' : 'a list of token ids'}`);
  });
}

const itemSchema = z.looseObject({ type: z.string() });
const urlSchema = z.looseObject({ url: z.string() });
const cropSchema = z.union([
  z.literal('center'),
  z.strictObject({
    x: z.number().int().nonnegative(),
    y: z.number().int().nonnegative(),
    size: z.number().int().positive(),
  }),
]);

function cropAt(value: unknown, path: string): { area: ImageCrop; path: string } | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = cropSchema.safeParse(value);
  if (parsed.success) return { area: parsed.data, path };
  throw malformed(path, 'must be "center" or whole numbers x, y (from 0) and size (from 1)');
}

async function imageItem(
  fields: Readonly<Record<string, unknown>>,
  path: string,
  images: ImageUrls,
): Promise<CompletionItem> {
  const parsed = urlSchema.safeParse(fields.image_url);
  if (!parsed.success) throw malformed(`${path}.image_url`, 'must be an object with a string "url"');
  const crop = cropAt(fields.crop, `${path}.crop`);
  const urlPath = `${path}.image_url.url`;
  const file = await images.read(parsed.data.url, urlPath);
  return { type: 'image', image: { ...file, path: urlPath, ...(crop !== undefined && { crop }) } };
}

async function parseItem(value: unknown, path: string, images: ImageUrls): Promise<CompletionItem> {
  const parsed = itemSchema.safeParse(value);
  if (!parsed.success) throw malformed(path, 'must be an object with a "type"');
  const { type, ...fields } = parsed.data;
  switch (type) {
    case 'text':
      if (typeof fields.text !== 'string') throw malformed(`${path}.text`, 'must be a string');
      return textItem(fields.text);
    case 'image_url':
      return imageItem(fields, path, images);
    case 'token_ids':
      if (!Array.isArray(fields.token_ids))
        throw malformed(`${path}.token_ids`, 'must be a list of token ids');
      return tokensAt(fields.token_ids, `${path}.token_ids`);
    default:
      throw malformed(`${path}.type`, 'must be text, image_url or token_ids');
  }
}

async function parseItems(value: unknown, images: ImageUrls): Promise<CompletionItem[]> {
  if (!Array.isArray(value)) throw malformed('prompt_items', 'must be a list of items');
  if (value.length > MAX_ITEMS) {
    throw malformed('prompt_items', `must hold at most ${MAX_ITEMS} items, has ${value.length}`);
  }
  const items: CompletionItem[] = [];
  for (const [at, item] of value.entries()) items.push(await parseItem(item, `prompt_items[${at}]`, images));
  return items;
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

/**
 * The prompts of a request, at least one.
 *
 * @throws MalformedRequest with the path of what is wrong; what `ImageUrls.read` throws for an image.
 */
export async function parsePrompts(
  prompt: unknown,
  items: unknown,
  images: ImageUrls,
): Promise<readonly (readonly CompletionItem[])[]> {
  if (isAbsent(prompt) && isAbsent(items)) throw malformed('prompt', 'a prompt is required');
  if (isAbsent(items)) return parsePlainPrompts(prompt);
  if (isAbsent(prompt)) return [await parseItems(items, images)];
  throw malformed('prompt_items', 'must not stand beside prompt');
}
