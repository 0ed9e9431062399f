import { createHash, randomUUID } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import { type ThreadError, toThreadError } from '../../../engine/threads/thread-error.js';
import { decodeDataUrl } from '../../media/data-url.js';

/** An image of a body that was decoded where the body was parsed. */
export interface TakenImage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Base64url of the SHA-256 of the bytes. */
  readonly sha256: string;
  /** Each has a buffer of its own. */
  readonly isMovable: true;
}

/** Or what is wrong with it, which is nobody's business until the request asks for this image. */
export type TakenUrl = TakenImage | { readonly problem: ThreadError };

/** The images of a body by the names that stand in the places of their URLs. */
export type TakenImages = ReadonlyMap<string, TakenUrl>;

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listAt = (value: unknown, key: string): readonly unknown[] => {
  const list = isObject(value) ? value[key] : undefined;
  return Array.isArray(list) ? list : [];
};

/** Whatever may have an `image_url`: parts of messages and items of raw prompts. Others that have one are left alone. */
function* imageHolders(body: unknown): Generator<JsonObject> {
  const parts = listAt(body, 'messages').flatMap((message) => listAt(message, 'content'));
  for (const part of [...parts, ...listAt(body, 'prompt_items')]) {
    if (isObject(part)) yield part;
  }
}

function take(url: string): TakenUrl {
  try {
    const decoded = decodeDataUrl(url, '');
    const sha256 = createHash('sha256').update(decoded).digest('base64url');
    const { buffer } = decoded;
    // Short ones lie in a buffer that Node shares among them.
    const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === decoded.byteLength;
    const bytes = isAlone ? new Uint8Array(buffer) : new Uint8Array(decoded);
    return { bytes, sha256, isMovable: true };
  } catch (error) {
    if (!FoveaError.isInstance(error)) throw error;
    return { problem: toThreadError(error) };
  }
}

/** Decodes the data URLs of a body's images and puts names in their places, by which the result has them; others stay. */
export function takeImages(body: unknown): TakenImages {
  const taken = new Map<string, TakenUrl>();
  const nonce = randomUUID();
  const swap = (holder: JsonObject, key: string): void => {
    const url = holder[key];
    if (typeof url !== 'string' || !/^data:/i.test(url)) return;
    const name = `taken:${nonce}/${taken.size}`;
    taken.set(name, take(url));
    holder[key] = name;
  };
  for (const holder of imageHolders(body)) {
    swap(holder, 'image_url');
    if (isObject(holder.image_url)) swap(holder.image_url, 'url');
  }
  return taken;
}
