import type { BlobRef } from '@fovea/schemas/jobs';
import type { MediaSink } from '../body-reader.js';
import { freeNow } from '../free-now.js';
import { type Dispatch, OutgoingMedium } from './outgoing-medium.js';

/** Pieces of one body that are being filled, wait, or are with a sink. */
const MAX_PIECES = 3;
/** Media of one body whose sinks have not settled. */
const MAX_OPEN = 4;

interface Transfer {
  readonly path: string;
  /** Until its sink has settled. */
  medium: OutgoingMedium | undefined;
  ref: BlobRef | undefined;
  refusal: { readonly error: unknown } | undefined;
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
  #last: OutgoingMedium | undefined;
  isAbandoned = false;
  #wake: (() => void) | undefined;

  /** `onRefusal` is called with what a sink rejects with, as soon as it does. */
  constructor(
    private readonly sink: MediaSink,
    private readonly onRefusal: (error: unknown) => void,
  ) {}

  /** Begins a medium. Its sink is called with the first piece, so a medium that is broken at once never reaches it. */
  begin(path: string): OutgoingMedium {
    this.#last = new OutgoingMedium(path, this);
    return this.#last;
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
    const refusal = this.#firstRefusal();
    if (refusal !== undefined) throw refusal.error;
    const refs = new Map<string, BlobRef>();
    for (const { path, ref } of this.#transfers) if (ref !== undefined) refs.set(path, ref);
    return refs;
  }

  /**
   * The body is refused, by a sink or where its text is wrong: resolves with the refusal that comes first in the order of
   * the bytes, when every sink has settled. So media before that place are still judged to their end.
   */
  async conclude(error: unknown): Promise<unknown> {
    const refused = this.#transfers.findIndex(({ refusal }) => refusal !== undefined);
    if (refused < 0) this.#last?.breakOff(error);
    else for (const { medium } of this.#transfers.slice(refused + 1)) medium?.queue.fail(error);
    this.#stop();
    await this.#settle();
    const first = this.#firstRefusal();
    return first === undefined ? error : first.error;
  }

  /** Ends what is under way with `error`; resolves when every sink has settled. */
  async abandon(error: unknown): Promise<void> {
    for (const medium of this.#open) medium.queue.fail(error);
    this.#stop();
    await this.#settle();
  }

  #stop(): void {
    this.isAbandoned = true;
    this.#wakeUp();
  }

  #firstRefusal(): Transfer['refusal'] {
    return this.#transfers.find(({ refusal }) => refusal !== undefined)?.refusal;
  }

  async #settle(): Promise<void> {
    for (const { settled } of this.#transfers) await settled;
    for (const piece of this.#free.splice(0)) freeNow(piece);
  }

  acquire(byteLength: number): Buffer | undefined {
    const piece = this.#free.pop();
    if (piece !== undefined && piece.length >= byteLength) return piece.subarray(0, byteLength);
    if (piece !== undefined) freeNow(piece);
    else if (this.#pieces === MAX_PIECES) return undefined;
    else this.#pieces += 1;
    return Buffer.allocUnsafeSlow(byteLength);
  }

  free(piece: Buffer | undefined): void {
    // A piece may be handed on in part; the whole of its memory comes back.
    if (piece !== undefined) this.#free.push(Buffer.from(piece.buffer));
    this.#wakeUp();
  }

  get isCrowded(): boolean {
    return this.#open.size >= MAX_OPEN;
  }

  start(medium: OutgoingMedium): void {
    this.#open.add(medium);
    const transfer: Transfer = {
      path: medium.path,
      medium,
      ref: undefined,
      refusal: undefined,
      settled: (async () => this.sink(medium.queue, medium.path))().then(
        (ref) => {
          transfer.ref = ref;
          this.#settled(transfer, medium);
        },
        (error: unknown) => {
          transfer.refusal = { error };
          this.onRefusal(error);
          this.#settled(transfer, medium);
        },
      ),
    };
    this.#transfers.push(transfer);
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #settled(transfer: Transfer, medium: OutgoingMedium): void {
    transfer.medium = undefined;
    this.#open.delete(medium);
    medium.isSettled = true;
    // A sink may settle without having read to the end; nobody else wants what is left.
    void medium.queue.return();
    this.#wakeUp();
  }
}
