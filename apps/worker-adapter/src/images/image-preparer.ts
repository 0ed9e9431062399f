import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { ImageWorkers, Recipe } from '@fovea/image-preprocessing';
import type { BlobRef } from '@fovea/schemas/jobs';
import type { BlobRoom } from '../generation/blob-room.js';

export interface ImagePreparerPorts {
  readonly blobs: BlobStore;
  readonly workers: ImageWorkers;
  /** Room for pictures that have to be in memory to be decoded, in bytes; none is needed where blobs are files. */
  readonly room: BlobRoom;
  /** Whether a picture can go to the engine as it came, or what has to be done to it. */
  readonly plan: (ref: BlobRef) => 'pass' | Recipe;
  /** Told what became of each picture; `seconds` is what it took to make. */
  readonly onPrepared: (outcome: 'passed' | 'made' | 'reused', seconds: number) => void;
}

/** Who a picture is prepared for. */
export interface ImageOwner {
  readonly tenant: string;
  readonly requestId: string;
  /** Where the client put it, for errors. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** What is remembered is small; so many pictures take about a megabyte. */
const MAX_REMEMBERED = 4_096;

/**
 * Makes pictures fit for an engine, each one once: clean files pass, the others become blobs of their own, under
 * a reference of the request that asked. What a picture became is remembered by its name, which stands for tenant and
 * bytes, and the recipe; another worker makes the same bytes of it and so the same blob.
 */
export class ImagePreparer {
  readonly #ports: ImagePreparerPorts;
  readonly #made = new Map<string, BlobRef>();
  readonly #making = new Map<string, Promise<unknown>>();

  constructor(ports: ImagePreparerPorts) {
    this.#ports = ports;
  }

  /**
   * The blob to send in place of `ref`, or `ref` itself.
   * Throws `INVALID_IMAGE` with the path when the file is damaged, `STORAGE_FULL`, or the signal's reason.
   */
  async prepare(ref: BlobRef, owner: ImageOwner): Promise<BlobRef> {
    const { plan, onPrepared } = this.#ports;
    const recipe = plan(ref);
    if (recipe === 'pass') {
      onPrepared('passed', 0);
      return ref;
    }
    const key = `${ref.name} ${recipe.id}`;
    for (;;) {
      const known = await this.#reuse(key, owner);
      if (known !== undefined) return known;
      const making = this.#making.get(key);
      if (making === undefined) return this.#makeOnce(key, ref, recipe, owner);
      // Whether that succeeds or not, this request looks again: the other one may have been cancelled.
      await unlessAborted(making, owner.signal);
    }
  }

  async #reuse(key: string, { requestId }: ImageOwner): Promise<BlobRef | undefined> {
    const known = this.#made.get(key);
    if (known === undefined) return undefined;
    try {
      await this.#ports.blobs.hold(known, { owner: requestId });
    } catch (error) {
      if (!FoveaError.isInstance(error) || error.code !== 'GONE') throw error;
      this.#made.delete(key);
      return undefined;
    }
    this.#remember(key, known);
    this.#ports.onPrepared('reused', 0);
    return known;
  }

  async #makeOnce(key: string, ref: BlobRef, recipe: Recipe, owner: ImageOwner): Promise<BlobRef> {
    const making = this.#make(ref, recipe, owner);
    this.#making.set(
      key,
      making.catch(() => undefined),
    );
    try {
      const made = await making;
      this.#remember(key, made);
      return made;
    } finally {
      this.#making.delete(key);
    }
  }

  async #make(ref: BlobRef, recipe: Recipe, owner: ImageOwner): Promise<BlobRef> {
    const { blobs, workers, room, onPrepared } = this.#ports;
    const { path, signal, tenant, requestId } = owner;
    const startedAtMs = performance.now();
    const file = blobs.locate(ref)?.path;
    const release = file === undefined ? await room.acquire(signal, ref.byteSize) : () => undefined;
    try {
      const source = file ?? (await blobs.read(ref, signal));
      const bytes = await workers.normalise(source, recipe, { path, signal });
      const mediaType = `image/${recipe.encoding}`;
      const made = await blobs.put(once(bytes), { tenant, owner: requestId, mediaType, signal });
      onPrepared('made', (performance.now() - startedAtMs) / 1_000);
      return { ...made, width: recipe.width, height: recipe.height };
    } finally {
      release();
    }
  }

  /** The least recently used are forgotten; their blobs are the store's matter. */
  #remember(key: string, made: BlobRef): void {
    this.#made.delete(key);
    this.#made.set(key, made);
    const [oldest] = this.#made.keys();
    if (this.#made.size > MAX_REMEMBERED && oldest !== undefined) this.#made.delete(oldest);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(signal.reason);
    if (signal.aborted) abandon();
    signal.addEventListener('abort', abandon, { once: true });
    void work.finally(() => {
      signal.removeEventListener('abort', abandon);
      resolve();
    });
  });
}
