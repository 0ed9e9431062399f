import type { EmbedAnswer, EmbedRequest } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { type PendingEmbed, shareOf } from './pending-embed.js';

export interface BatchLimits {
  /** How long the first job of a batch waits for others, in ms. */
  readonly waitMs: number;
  /** Most texts of one call; a job with more goes alone. */
  readonly maxInputs: number;
}

type Embed = (request: EmbedRequest, signal: AbortSignal) => Promise<EmbedAnswer>;

/**
 * Puts the embedding jobs of one engine into few calls: those of one model and one length of vectors that come within
 * the wait go out together. An engine batches texts of one call better than calls, and a call costs as much as a text.
 *
 * A job never suffers from its neighbours: a call that is refused for what is in it is repeated for each job alone, and
 * one that fails otherwise fails for all, who may then try elsewhere. A call ends when nobody waits for it any more.
 */
export class EmbedBatcher {
  readonly #embed: Embed;
  readonly #limits: BatchLimits;
  /** By model and length of vectors. */
  readonly #waiting = new Map<string, PendingEmbed[]>();

  constructor(embed: Embed, limits: BatchLimits) {
    this.#embed = embed;
    this.#limits = limits;
  }

  /**
   * As the engine's own `embed`. The tokens of a call are shared out by the length of the texts, since engines count
   * only the whole of it.
   */
  embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedAnswer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const key = JSON.stringify([request.model, request.dimensions]);
      const pending: PendingEmbed = { request, signal, resolve, reject };
      signal.addEventListener('abort', () => this.#leave(key, pending), { once: true });
      this.#join(key, pending);
    });
  }

  #join(key: string, pending: PendingEmbed): void {
    const line = this.#waiting.get(key) ?? [];
    const inputs = line.reduce((sum, { request }) => sum + request.inputs.length, 0);
    if (line.length > 0 && inputs + pending.request.inputs.length > this.#limits.maxInputs) {
      this.#send(key);
      this.#join(key, pending);
      return;
    }
    line.push(pending);
    if (line.length > 1) return;
    this.#waiting.set(key, line);
    // A batch that is full before is no longer the one in line.
    setTimeout(() => this.#waiting.get(key) === line && this.#send(key), this.#limits.waitMs);
  }

  #leave(key: string, pending: PendingEmbed): void {
    const line = this.#waiting.get(key);
    const place = line?.indexOf(pending) ?? -1;
    // In place: the timer knows its batch by the list.
    if (place >= 0) line?.splice(place, 1);
    if (line?.length === 0) this.#waiting.delete(key);
    pending.reject(pending.signal.reason);
  }

  #send(key: string): void {
    const batch = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    void this.#run(batch);
  }

  /** Never rejects: each job is told its own end. */
  async #run(batch: readonly PendingEmbed[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const stop = new AbortController();
    const look = (): void => {
      if (batch.every(({ signal }) => signal.aborted)) stop.abort(first.signal.reason);
    };
    for (const { signal } of batch) signal.addEventListener('abort', look, { once: true });
    look();
    try {
      const inputs = batch.flatMap(({ request }) => request.inputs);
      const answer = await this.#embed({ ...first.request, inputs }, stop.signal);
      for (const [at, pending] of batch.entries()) pending.resolve(shareOf(answer, batch, at));
    } catch (error) {
      if (batch.length > 1 && isRefusal(error)) {
        await Promise.all(batch.map((pending) => this.#run([pending])));
      } else for (const { reject } of batch) reject(error);
    } finally {
      for (const { signal } of batch) signal.removeEventListener('abort', look);
    }
  }
}

/** The engine disliked what it was sent, so it may like a part of it. */
const isRefusal = (error: unknown): boolean =>
  FoveaError.isInstance(error) && error.status >= 400 && error.status < 500 && error.code !== 'UNKNOWN_MODEL';
