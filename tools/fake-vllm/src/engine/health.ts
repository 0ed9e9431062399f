import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gates } from '../script/gates.js';

export interface HealthBehaviour {
  /** 200 or 503. */
  readonly healthy?: boolean | undefined;
  /** Milliseconds before the answer. */
  readonly delayMs?: number | undefined;
  /** No answer until this gate is released. */
  readonly gate?: string | undefined;
}

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
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('nobody waits')));
    if (gate !== undefined) await gates.pass(gate, gone.signal);
    if (delayMs !== undefined) await pause(delayMs, undefined, { signal: gone.signal });
    if (!response.destroyed) response.writeHead(this.isHealthy ? 200 : 503, { 'content-length': 0 }).end();
  }
}
