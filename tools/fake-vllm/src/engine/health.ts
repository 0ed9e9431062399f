import type { ServerResponse } from 'node:http';
import type { Gates } from '../script/gates.js';

export interface HealthBehaviour {
  /** 200 or 503. */
  readonly healthy?: boolean | undefined;
  /** Milliseconds before the answer. */
  readonly delayMs?: number | undefined;
  /** No answer until this gate is released. */
  readonly gate?: string | undefined;
}

const silence = new AbortController().signal;

/** What `/health` and `/ping` say: an empty 200 or 503, and how fast. A hung engine is healthy to them. */
export class Health {
  isHealthy = true;
  #behaviour: HealthBehaviour = {};

  set(behaviour: HealthBehaviour): void {
    this.#behaviour = behaviour;
    this.isHealthy = behaviour.healthy ?? true;
  }

  async answer(response: ServerResponse, gates: Gates): Promise<void> {
    const { delayMs, gate } = this.#behaviour;
    if (gate !== undefined) await gates.pass(gate, silence);
    if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
    if (!response.destroyed) response.writeHead(this.isHealthy ? 200 : 503, { 'content-length': 0 }).end();
  }
}
