import { FoveaError } from '@fovea/errors';
import type { GenerationRequest } from '../generation-request.js';
import type { SchedulerLoad } from '../scheduling/scheduler.js';
import type { SequencePiece } from '../sequence.js';
import type {
  DecoderThreadFacts,
  DecoderThreadSettings,
  FromDecoderThread,
  ToDecoderThread,
} from './decoder-protocol.js';
import { Mailbox } from './mailbox.js';
import { fromThreadError } from './thread-error.js';
import { WorkerLink } from './worker-link.js';

/** What a model needs of its decoder thread. */
export type Generations = Pick<DecoderThread, 'generate' | 'load' | 'isHealthy' | 'close'>;

/** The decoder thread as a model sees it: requests go in, pieces come out, an abort frees the sequences. */
export class DecoderThread {
  private readonly open = new Map<number, Mailbox<SequencePiece>>();
  private link: WorkerLink<FromDecoderThread> | undefined;
  private lastId = 0;
  private current: SchedulerLoad = {
    running: 0,
    cachedTokens: 0,
    preemptions: 0,
    prefixQueries: 0,
    prefixHits: 0,
  };

  private constructor() {}

  /** Throws an `Error` with the file and the reason when the graphs or the tokenizer cannot be used. */
  static async start(
    settings: DecoderThreadSettings,
  ): Promise<{ thread: DecoderThread; facts: DecoderThreadFacts }> {
    const thread = new DecoderThread();
    const { link, facts } = await WorkerLink.start<FromDecoderThread, DecoderThreadFacts>(
      'engine/threads/decoder-entry.js',
      settings,
      { onMessage: (tick) => thread.deliver(tick), onDeath: (error) => thread.failAll(error) },
    );
    thread.link = link;
    return { thread, facts };
  }

  get isHealthy(): boolean {
    return this.link?.isAlive === true;
  }

  /** As of the last turn. */
  get load(): SchedulerLoad {
    return this.current;
  }

  /** Yields pieces until every choice has ended. Throws the signal's reason after an abort. */
  async *generate(
    request: Omit<GenerationRequest, 'id'>,
    signal: AbortSignal,
  ): AsyncGenerator<SequencePiece, void> {
    signal.throwIfAborted();
    const { link } = this;
    if (link?.isAlive !== true) throw new FoveaError('INTERNAL', { detail: 'The decoder thread is gone.' });
    const id = ++this.lastId;
    const pieces = new Mailbox<SequencePiece>();
    const onAbort = () => {
      // At once, not when the reader asks again: a slow reader may be far behind.
      this.post(link, { cancel: id });
      pieces.fail(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.open.set(id, pieces);
    let choices = request.choices.length;
    try {
      this.post(link, { generate: { ...request, id } }, [request.prompt.features.buffer]);
      while (choices > 0) {
        const piece = await pieces.take();
        if (piece.end !== undefined) choices -= 1;
        yield piece;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.open.delete(id);
      if (choices > 0) this.post(link, { cancel: id });
    }
  }

  async close(): Promise<void> {
    await this.link?.close();
    this.failAll(new Error('The decoder thread was closed.'));
  }

  private post(
    link: WorkerLink<unknown>,
    message: ToDecoderThread,
    transfer: readonly ArrayBufferLike[] = [],
  ): void {
    link.post(
      message,
      transfer.filter((buffer) => buffer instanceof ArrayBuffer),
    );
  }

  private deliver(tick: FromDecoderThread): void {
    const { pieces, failures, ...load } = tick;
    this.current = load;
    for (const { id, ...piece } of pieces) this.open.get(id)?.put(piece);
    for (const { id, error } of failures) this.open.get(id)?.fail(fromThreadError(error));
  }

  private failAll(error: Error): void {
    this.current = { ...this.current, running: 0, cachedTokens: 0 };
    for (const pieces of this.open.values()) pieces.fail(error);
  }
}
