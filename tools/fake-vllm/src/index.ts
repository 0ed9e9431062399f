import type { Server } from 'node:http';
import type { FakeEngineOptions } from './engine/engine-options.js';
import { FakeEngine } from './engine/fake-engine.js';
import type { Counters } from './metrics/tally.js';
import type { SeenRequest } from './requests/seen-request.js';
import type { EventName, FakeEvent, WaitOptions } from './script/event-log.js';
import type { ScriptEntry } from './script/script-queue.js';
import { startAdminServer } from './server/admin-server.js';
import type { EngineControls } from './server/engine-controls.js';
import { FakeServer } from './server/fake-server.js';

export type { DialectName } from './dialect.js';
export type { FakeEngineOptions, Task, ToolCallIds } from './engine/engine-options.js';
export type { HealthBehaviour } from './engine/health.js';
export type { Degradation } from './engine/pulse.js';
export type { ImageTokens } from './media/image-tokens.js';
export type { SeenImage } from './media/seen-image.js';
export type { Gauges } from './metrics/engine-metrics.js';
export type { Counters } from './metrics/tally.js';
export type { SeenRequest } from './requests/seen-request.js';
export type { Behaviour, ErrorForm, Fault } from './script/behaviour.js';
export type { EventName, FakeEvent, WaitOptions } from './script/event-log.js';
export type { ScriptEntry } from './script/script-queue.js';
export type { CrashOptions, EngineControls } from './server/engine-controls.js';

export interface FakeVllmOptions extends FakeEngineOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  /** Loopback unless set. */
  readonly host?: string;
  /** The admin routes on a port of their own too, which goes on while the engine is down; 0 takes a free one. */
  readonly adminPort?: number;
  /** Called when a crash or a death has stopped the server. */
  readonly onDown?: () => void;
  /** How long an idle connection stays open; vLLM's 5 s by default. */
  readonly keepAliveTimeoutMs?: number;
}

/** A scripted engine that speaks vLLM's HTTP protocol. */
export interface FakeVllm extends EngineControls {
  readonly url: string;
  readonly port: number;
  /** Where the admin routes survive a crash; the engine's own address without an `adminPort`. */
  readonly adminUrl: string;
  readonly model: string;
  readonly counters: Counters;
  /** The last 1000 requests the engine accepted. */
  readonly requests: readonly SeenRequest[];
  /** Says how coming requests are answered; entries are used in order, each once unless `times` says more. */
  script(entry: ScriptEntry): void;
  /** Holds the next matching request after so many tokens; await `reached`, look around, then `release`. */
  hold(options?: { match?: string | RegExp; route?: string; afterTokens?: number }): Hold;
  release(gate: string): void;
  /** Resolves with the `count`th such event since the start, past ones included; rejects after 10 s. */
  waitFor(event: EventName, options?: WaitOptions): Promise<FakeEvent>;
  /** The page of `/metrics`. */
  metrics(): string;
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

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address();
  return typeof address === 'object' ? address?.port : undefined;
}

/** Starts the engine; resolves when it listens. Throws when the port is taken. */
export async function startFakeVllm(options: FakeVllmOptions = {}): Promise<FakeVllm> {
  const { port = 0, host = '127.0.0.1', adminPort, onDown, keepAliveTimeoutMs = 5000, ...rest } = options;
  const engine = new FakeEngine(rest);
  const server = new FakeServer(engine, { port, host, keepAliveTimeoutMs, onDown });
  await server.listen();
  const admin =
    adminPort === undefined ? undefined : await startAdminServer(engine, server, { port: adminPort, host });
  let holds = 0;
  return {
    url: `http://${host}:${server.port}`,
    port: server.port,
    adminUrl: `http://${host}:${portOf(admin) ?? server.port}`,
    model: engine.settings.model,
    get counters() {
      return engine.counters;
    },
    requests: engine.requests,
    script: (entry) => engine.scripts.add(entry),
    hold({ match, route, afterTokens = 0 } = {}) {
      holds += 1;
      return createHold(engine, `hold-${holds}`, { match, route }, afterTokens);
    },
    release: (gate) => engine.gates.release(gate),
    waitFor: (event, wait) => engine.events.waitFor(event, wait),
    metrics: () => engine.metricsText(),
    crash: (crash) => server.crash(crash),
    restart: () => server.restart(),
    die: () => server.die(),
    hangEngine: () => server.hangEngine(),
    resumeEngine: () => server.resumeEngine(),
    degrade: (decline) => server.degrade(decline),
    setOverload: (isOn) => server.setOverload(isOn),
    setHealthy: (health) => server.setHealthy(health),
    showGauges: (gauges) => server.showGauges(gauges),
    setPace: (pace) => server.setPace(pace),
    reset: () => engine.reset(),
    async close() {
      admin?.close();
      admin?.closeAllConnections();
      await server.close();
    },
  };
}
