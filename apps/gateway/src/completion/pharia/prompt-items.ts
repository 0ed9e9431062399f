import { uprightSize } from '@fovea/image-preprocessing';
import type { ModelListing } from '@fovea/model-registry';
import type { PromptItemWire, PromptWire } from '@fovea/schemas/http';
import type { BlobRef, ImageCrop, PromptItem } from '@fovea/schemas/jobs';
import type { PromptPiece } from '../../admission/prompt-tokens.js';
import { requireImages } from '../../tasks/model-directory.js';
import { missing, refuse } from '../../tasks/refusals.js';

type ImageWire = Extract<PromptItemWire, { type: 'image' }>;

/** A prompt of Pharia's routes. */
export interface TranslatedPrompt {
  readonly items: readonly PromptItem[];
  readonly blobs: readonly BlobRef[];
  readonly pieces: readonly PromptPiece[];
}

/**
 * The items of a prompt; images become indices into `blobs`. Throws `MISSING_CAPABILITY` for what the model does not take,
 * `INVALID_REQUEST` for a crop that is none; both with the path.
 */
export function toPromptItems(
  prompt: PromptWire,
  media: ReadonlyMap<string, BlobRef>,
  listing: ModelListing,
): TranslatedPrompt {
  if (typeof prompt === 'string') {
    const items = [{ type: 'text' as const, text: prompt }];
    return { items, blobs: [], pieces: [{ path: 'prompt', text: prompt }] };
  }
  checkForms(prompt, listing);
  const blobs: BlobRef[] = [];
  const pieces: PromptPiece[] = [];
  const items = prompt.map((item, at): PromptItem => {
    const path = `prompt[${at}].data`;
    if (item.type === 'text') {
      pieces.push({ path, text: item.data });
      return { type: 'text', text: item.data };
    }
    if (item.type === 'token_ids') {
      pieces.push({ path, tokens: item.data.length });
      return { type: 'token-ids', tokenIds: item.data };
    }
    const ref = media.get(path);
    if (ref === undefined) throw new Error(`no image was read at ${path}`);
    const crop = toCrop(item, ref, `prompt[${at}]`);
    pieces.push({ path, image: cropped(ref, crop) });
    return { type: 'image', blob: blobs.push(ref) - 1, path, ...(crop === undefined ? {} : { crop }) };
  });
  requireOneKind(items, listing);
  return { items, blobs, pieces };
}

/** Pictures in raw prompts are for luminous-type models. */
function checkForms(prompt: readonly PromptItemWire[], listing: ModelListing): void {
  for (const [at, { controls }] of prompt.entries()) {
    if (controls == null || controls.length === 0) continue;
    throw missing('No model here offers attention controls.', `prompt[${at}].controls`);
  }
  const { model, package: modelPackage } = listing;
  const firstImage = prompt.findIndex(({ type }) => type === 'image');
  if (firstImage >= 0) {
    const path = `prompt[${firstImage}].data`;
    requireImages(listing, path);
    if (modelPackage.generatorType !== 'luminous') {
      const where = model.chat ? ' It takes them in a conversation: ask /chat/completions.' : '';
      throw missing(`"${model.name}" does not take images in raw prompts.${where}`, path);
    }
  }
}

/** Throws `MISSING_CAPABILITY` with the first item that is no text, when texts stand beside it and the model is vLLM's. */
export function requireOneKind(items: readonly PromptItem[], listing: ModelListing): void {
  if (listing.package.generatorType !== 'vllm') return;
  const other = items.findIndex(({ type }) => type !== 'text');
  if (other < 0 || items.every(({ type }) => type === items[other]?.type)) return;
  const message = `"${listing.model.name}" takes texts or token ids, not both in one prompt.`;
  throw missing(message, `prompt[${other}].type`);
}

function toCrop({ x, y, size }: ImageWire, ref: BlobRef, path: string): ImageCrop | undefined {
  const given = { x, y, size };
  const named = (['x', 'y', 'size'] as const).filter((name) => given[name] != null);
  if (named.length === 0) return undefined;
  if (x == null || y == null || size == null) {
    throw refuse('x, y and size are sent together or not at all.', `${path}.${named[0]}`);
  }
  if (ref.width === undefined || ref.height === undefined) return { x, y, size };
  const { width, height } = uprightSize({ ...ref, width: ref.width, height: ref.height });
  if (x + size > width || y + size > height) {
    throw refuse(
      `The square lies outside of the image, which has ${width} × ${height} pixels.`,
      `${path}.size`,
    );
  }
  return { x, y, size };
}

/** An image as the model sees it: a square of it. */
function cropped(ref: BlobRef, crop: ImageCrop | undefined): BlobRef | undefined {
  const { width, height } = ref;
  if (width === undefined || height === undefined) return undefined;
  const side = crop?.size ?? Math.min(width, height);
  return { ...ref, width: side, height: side, orientation: 1 };
}
