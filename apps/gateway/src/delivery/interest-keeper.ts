import type { TokenStream } from '@fovea/token-stream';

const RENEW_EVERY_MS = 2_000;
/** Three missed renewals: the gateway is dead or cut off from Redis. */
const LEASE_MS = 6_500;

/** Renews the interest leases of every request this gateway holds a connection for, many in one round trip. */
export class InterestKeeper {
  readonly #held = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: TokenStream,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.#timer ??= setInterval(() => {
      if (this.#held.size === 0) return;
      this.stream.renewInterest([...this.#held], LEASE_MS).catch(this.onError);
    }, RENEW_EVERY_MS).unref();
  }

  /** Takes the lease; the request may be enqueued once this has returned. */
  async hold(requestId: string): Promise<void> {
    await this.stream.renewInterest([requestId], LEASE_MS);
    this.#held.add(requestId);
  }

  letGo(requestId: string): void {
    this.#held.delete(requestId);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
