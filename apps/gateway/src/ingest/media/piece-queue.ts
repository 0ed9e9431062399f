type Result = IteratorResult<Uint8Array, undefined>;

interface Waiter {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * The decoded pieces of one medium on their way to the sink. A piece belongs to the sink until it asks for the next one,
 * or leaves; then its memory is used again.
 */
export class PieceQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #pieces: Buffer[] = [];
  #lent: Buffer | undefined;
  #waiter: Waiter | undefined;
  #state: 'open' | 'ended' | 'failed' | 'left' = 'open';
  /** What is said behind the last piece instead of an end. */
  #error: { readonly error: unknown } | undefined;
  #asked = 0;

  /** `onFree` gets back the memory of every piece, and hears of every question. */
  constructor(private readonly onFree: (piece: Buffer | undefined) => void) {}

  /** How often the sink has asked. */
  get asked(): number {
    return this.#asked;
  }

  get hasLeft(): boolean {
    return this.#state === 'left';
  }

  push(piece: Buffer): void {
    if (this.#state !== 'open') this.onFree(piece);
    else if (this.#waiter === undefined) this.#pieces.push(piece);
    else this.#answer(this.#lend(piece));
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    if (this.#waiter !== undefined) this.#answer({ done: true, value: undefined });
  }

  /** Behind what was pushed there is nothing but the error. */
  breakOff(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = { error };
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  }

  /** The sink's next question is answered with the error; what it has not taken is dropped. */
  fail(error: unknown): void {
    if (this.#state === 'left') return;
    this.#state = 'failed';
    this.#error ??= { error };
    this.#drop();
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  }

  next(): Promise<Result> {
    if (this.#waiter !== undefined) return Promise.reject(new Error('one question at a time'));
    this.#asked += 1;
    this.#takeBack();
    const piece = this.#pieces.shift();
    if (piece !== undefined) return Promise.resolve(this.#lend(piece));
    if (this.#error !== undefined) return Promise.reject(this.#error.error);
    if (this.#state !== 'open') return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  return(): Promise<Result> {
    if (this.#state !== 'failed') this.#state = 'left';
    this.#drop();
    this.#takeBack();
    this.#answer({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #answer(result: Result): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve(result);
  }

  #lend(piece: Buffer): Result {
    this.#lent = piece;
    return { done: false, value: piece };
  }

  #takeBack(): void {
    const piece = this.#lent;
    this.#lent = undefined;
    this.onFree(piece);
  }

  #drop(): void {
    for (const piece of this.#pieces.splice(0)) this.onFree(piece);
  }
}
