import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Counters } from './engine/counters.js';
import { FakeEngine, type FakeEngineOptions, type SeenRequest } from './engine/fake-engine.js';
import { routeRequest } from './http/router.js';
import type { EventName, FakeEvent, WaitOptions } from './script/event-log.js';
import type { ScriptEntry } from './script/script-queue.js';

export type { Counters } from './engine/counters.js';
export type { FakeEngineOptions, SeenRequest } from './engine/fake-engine.js';
export type { Behaviour, ErrorForm, Fault } from './script/behaviour.js';
export type { EventName, FakeEvent, WaitOptions } from './script/event-log.js';
export type { ScriptEntry } from './script/script-queue.js';

export interface FakeVllmOptions extends FakeEngineOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  /** Loopback unless set. */
  readonly host?: string;
  /** How long an idle connection stays open; vLLM's 5 s by default. */
  readonly keepAliveTimeoutMs?: number;
}

/** A scripted engine that speaks vLLM's HTTP protocol. */
export interface FakeVllm {
  readonly url: string;
  readonly port: number;
  readonly model: string;
  readonly counters: Counters;
  /** The last 1000 requests the engine accepted. */
  readonly requests: readonly SeenRequest[];
  /** Says how coming requests are answered; entries are used in order, each once unless `times` says more. */
  script(entry: ScriptEntry): void;
  /** Holds the next matching request after so many tokens; await `reached`, look around, then `release`. */
  hold(options?: { match?: string | RegExp; afterTokens?: number }): Hold;
  release(gate: string): void;
  /** Resolves with the `count`th such event since the start, past ones included; rejects after 10 s. */
  waitFor(event: EventName, options?: WaitOptions): Promise<FakeEvent>;
  /** What `/health` says. */
  setHealthy(healthy: boolean): void;
  reset(): void;
  /** Drops every connection, as a killed engine would. */
  close(): Promise<void>;
}

export interface Hold {
  readonly gate: string;
  reached(): Promise<FakeEvent>;
  release(): void;
}

function createHold(
  engine: FakeEngine,
  gate: string,
  entry: Omit<ScriptEntry, 'behaviour'>,
  afterTokens: number,
): Hold {
  engine.scripts.add({ ...entry, behaviour: { hold: { afterTokens, gate } } });
  return {
    gate,
    reached: () => engine.events.waitFor('held', { gate }),
    release: () => engine.gates.release(gate),
  };
}

/** Starts the engine; resolves when it listens. Throws when the port is taken. */
export async function startFakeVllm(options: FakeVllmOptions = {}): Promise<FakeVllm> {
  const engine = new FakeEngine(options);
  // Like vLLM: no bound on how long a request may take to arrive.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void routeRequest(engine, request, response);
  });
  server.keepAliveTimeout = options.keepAliveTimeoutMs ?? 5000;
  server.on('connection', () => engine.tally.add('connections'));
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let holds = 0;
  return {
    url: `http://${options.host ?? '127.0.0.1'}:${port}`,
    port,
    model: engine.limits.model,
    get counters() {
      return engine.counters;
    },
    requests: engine.requests,
    script: (entry) => engine.scripts.add(entry),
    hold({ match, afterTokens = 0 } = {}) {
      holds += 1;
      return createHold(engine, `hold-${holds}`, { match }, afterTokens);
    },
    release: (gate) => engine.gates.release(gate),
    waitFor: (event, wait) => engine.events.waitFor(event, wait),
    setHealthy: (healthy) => {
      engine.healthy = healthy;
    },
    reset: () => engine.reset(),
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      engine.events.close();
    },
  };
}
