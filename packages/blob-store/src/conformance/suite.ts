import type { BlobRef } from '@fovea/schemas/jobs';
import type { BlobStore } from '../index.js';
import { chunks } from './bytes.js';

/** What the suite asks a store to be made with. */
export interface StoreSettings {
  readonly lingerS: number;
  readonly maxReferenceAgeS: number;
  readonly maxBytes: number;
}

export interface StoreUnderTest {
  readonly store: BlobStore;
  /** The same store as another process has it, which may have been started with other settings. */
  another(changes?: Partial<StoreSettings>): BlobStore;
  /** Everything that is stored at the moment, unfinished writes and references included; empty when fresh. */
  contents(): Promise<readonly string[]>;
  dispose(): Promise<void>;
  /** How finely the store tells times of use apart, if not in milliseconds. */
  readonly clockTickMs?: number;
}

export type MakeStore = (settings: StoreSettings) => Promise<StoreUnderTest>;

export const settings: StoreSettings = { lingerS: 600, maxReferenceAgeS: 3_600, maxBytes: 1_000_000 };

/** The store of the running test. */
export class Suite {
  readonly #make: MakeStore;
  #made: StoreUnderTest | undefined;

  constructor(make: MakeStore) {
    this.#make = make;
  }

  get made(): StoreUnderTest {
    if (this.#made === undefined) throw new Error('no test runs');
    return this.#made;
  }

  get store(): BlobStore {
    return this.made.store;
  }

  async start(changes: Partial<StoreSettings> = {}): Promise<void> {
    this.#made = await this.#make({ ...settings, ...changes });
  }

  put(text: string | Buffer, owner = 'r1', tenant = 'acme', target = this.store): Promise<BlobRef> {
    return target.put(chunks(Buffer.from(text)), { tenant, owner, mediaType: 'image/png' });
  }

  isGone(ref: BlobRef): Promise<boolean> {
    return this.store.read(ref).then(
      () => false,
      (error: { code?: string }) => error.code === 'GONE',
    );
  }
}

/** Until what happens next is later in the store's eyes, too. */
export async function nextTickOfTheClock({ clockTickMs = 20 }: StoreUnderTest): Promise<void> {
  const startMs = Date.now();
  while (Date.now() < startMs + clockTickMs) await new Promise((resolve) => setTimeout(resolve, 5));
}
