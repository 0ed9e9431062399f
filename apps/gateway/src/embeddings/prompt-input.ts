import { FoveaError } from '@fovea/errors';
import type { PromptItemWire, PromptWire } from '@fovea/schemas/http';

/**
 * A prompt as an embedding model reads it: one text, with the prefix of what it is for; or token ids alone.
 * Throws `MISSING_CAPABILITY` for images, attention controls and mixtures, `INVALID_REQUEST` for an empty prompt; both with
 * the path.
 */
export function toEmbedInput(prompt: PromptWire, path: string, prefix: string): string | number[] {
  if (typeof prompt === 'string') return prefix + prompt;
  if (prompt.length === 0) {
    throw new FoveaError('INVALID_REQUEST', { message: `${path}: must not be empty`, param: path });
  }
  for (const [at, item] of prompt.entries()) refuse(item, `${path}[${at}]`);
  const texts = prompt.filter((item) => item.type === 'text');
  if (texts.length === prompt.length) return prefix + texts.map(({ data }) => data).join('');
  const ids = prompt.filter((item) => item.type === 'token_ids');
  if (ids.length === prompt.length) return tokensOf(ids, path);
  throw missing('Embeddings of text and token ids together are not offered.', path);
}

function refuse(item: PromptItemWire, path: string): void {
  if (item.controls != null && item.controls.length > 0) {
    throw missing('Attention controls are not offered.', `${path}.controls`);
  }
  if (item.type === 'image') throw missing('Embeddings of images are not offered.', path);
}

function tokensOf(items: readonly Extract<PromptItemWire, { type: 'token_ids' }>[], path: string): number[] {
  const ids = items.flatMap(({ data }) => data);
  if (ids.length > 0) return ids;
  throw new FoveaError('INVALID_REQUEST', { message: `${path}: must not be empty`, param: path });
}

const missing = (message: string, param: string): FoveaError =>
  new FoveaError('MISSING_CAPABILITY', { message, param });
