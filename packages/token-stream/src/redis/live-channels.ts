import type { Redis } from 'ioredis';

export interface ChannelListener {
  message(text: string): void;
  /** The subscription was lost and is back: anything may have been missed. */
  resubscribed(): void;
}

interface Channel {
  readonly listeners: Set<ChannelListener>;
  readonly subscribed: Promise<unknown>;
}

const RESUBSCRIBE_CHUNK = 500;

/** All subscriptions of a process over one connection. */
export class LiveChannels {
  readonly #channels = new Map<string, Channel>();

  constructor(private readonly client: Redis) {
    client.on('message', (name: string, text: string) => {
      for (const listener of this.#channels.get(name)?.listeners ?? []) listener.message(text);
    });
    client.on('ready', () => void this.#resubscribe());
  }

  /** Resolves once the server has confirmed the subscription: what is published from then on is heard. */
  async add(name: string, listener: ChannelListener): Promise<void> {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = { listeners: new Set(), subscribed: this.client.subscribe(name) };
      this.#channels.set(name, channel);
    }
    channel.listeners.add(listener);
    try {
      await channel.subscribed;
    } catch (error) {
      this.remove(name, listener);
      throw error;
    }
  }

  remove(name: string, listener: ChannelListener): void {
    const channel = this.#channels.get(name);
    if (channel?.listeners.delete(listener) !== true || channel.listeners.size > 0) return;
    this.#channels.delete(name);
    // While Redis is away this stays queued; the order on the one connection keeps it before a later subscribe.
    this.client.unsubscribe(name).catch(() => undefined);
  }

  /**
   * ioredis resubscribes by itself but does not say when that has taken effect. Subscribing once more does: only
   * what is read after its reply cannot miss a publish.
   */
  async #resubscribe(): Promise<void> {
    const names = [...this.#channels.keys()];
    for (let start = 0; start < names.length; start += RESUBSCRIBE_CHUNK) {
      const chunk = names.slice(start, start + RESUBSCRIBE_CHUNK);
      try {
        await this.client.subscribe(...chunk);
      } catch {
        return; // The connection broke again; the next `ready` comes back here.
      }
      for (const name of chunk) {
        for (const listener of this.#channels.get(name)?.listeners ?? []) listener.resubscribed();
      }
    }
  }
}
