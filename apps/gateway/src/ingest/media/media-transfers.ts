import type { BlobRef } from '@fovea/schemas/jobs';
import type { MediaSink } from '../body-reader.js';
import { type Dispatch, OutgoingMedium, PIECE_BYTES } from './outgoing-medium.js';

/** Pieces of one body that are being filled, wait, or are with a sink. */
const MAX_PIECES = 4;
/** Media of one body whose sinks have not settled. */
const MAX_OPEN = 4;

interface Transfer {
  readonly path: string;
  ref: BlobRef | undefined;
  readonly settled: Promise<void>;
}

/**
 * Hands the media of one body to their sinks, with bounded memory: a few buffers that are used in turn. When all are
 * with the sinks, the reader has to wait.
 */
export class MediaTransfers implements Dispatch {
  readonly #transfers: Transfer[] = [];
  readonly #open = new Set<OutgoingMedium>();
  readonly #free: Buffer[] = [];
  #pieces = 0;
  #refusal: { readonly error: unknown } | undefined;
  isAbandoned = false;
  #wake: (() => void) | undefined;

  /** `onRefusal` is called with what a sink rejects with, as soon as it does. */
  constructor(
    private readonly sink: MediaSink,
    private readonly onRefusal: (error: unknown) => void,
  ) {}

  /** Begins a medium. Its sink is called with the first piece, so a medium that is broken at once never reaches it. */
  begin(path: string): OutgoingMedium {
    return new OutgoingMedium(path, this);
  }

  /** Resolves when a buffer may be free, or a sink has settled. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The references by path, in the order of the document. Resolves when every sink has settled; throws what one threw. */
  async finish(): Promise<Map<string, BlobRef>> {
    await this.#settle();
    if (this.#refusal !== undefined) throw this.#refusal.error;
    const refs = new Map<string, BlobRef>();
    for (const { path, ref } of this.#transfers) if (ref !== undefined) refs.set(path, ref);
    return refs;
  }

  /** Ends what is under way with `error`; resolves when every sink has settled. */
  async abandon(error: unknown): Promise<void> {
    this.isAbandoned = true;
    for (const medium of this.#open) medium.queue.fail(error);
    this.#wakeUp();
    await this.#settle();
  }

  async #settle(): Promise<void> {
    for (const { settled } of this.#transfers) await settled;
  }

  acquire(): Buffer | undefined {
    const piece = this.#free.pop();
    if (piece !== undefined || this.#pieces === MAX_PIECES) return piece;
    this.#pieces += 1;
    return Buffer.allocUnsafeSlow(PIECE_BYTES);
  }

  free(piece: Buffer | undefined): void {
    // A piece may be handed on in part; the whole of its memory comes back.
    if (piece !== undefined) this.#free.push(Buffer.from(piece.buffer, 0, PIECE_BYTES));
    this.#wakeUp();
  }

  get isCrowded(): boolean {
    return this.#open.size >= MAX_OPEN;
  }

  start(medium: OutgoingMedium): void {
    this.#open.add(medium);
    const transfer: Transfer = {
      path: medium.path,
      ref: undefined,
      settled: (async () => this.sink(medium.queue, medium.path))().then(
        (ref) => {
          transfer.ref = ref;
          this.#settled(medium);
        },
        (error: unknown) => {
          this.#refusal ??= { error };
          this.onRefusal(error);
          this.#settled(medium);
        },
      ),
    };
    this.#transfers.push(transfer);
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #settled(medium: OutgoingMedium): void {
    this.#open.delete(medium);
    medium.isSettled = true;
    // A sink may settle without having read to the end; nobody else wants what is left.
    void medium.queue.return();
    this.#wakeUp();
  }
}
