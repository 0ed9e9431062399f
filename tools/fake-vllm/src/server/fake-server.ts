import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FakeEngine } from '../engine/fake-engine.js';
import type { HealthBehaviour } from '../engine/health.js';
import type { Degradation } from '../engine/pulse.js';
import { routeRequest } from '../http/router.js';
import type { Gauges } from '../metrics/engine-metrics.js';
import { ConnectionLost } from '../requests/endings.js';
import type { CrashOptions, EngineControls } from './engine-controls.js';

export interface ServerOptions {
  readonly port: number;
  readonly host: string;
  readonly keepAliveTimeoutMs: number;
  /** Called when a crash or a death has stopped the server. */
  readonly onDown?: (() => void) | undefined;
}

/** The listening side of the engine; it survives the crashes of what it plays. */
export class FakeServer implements EngineControls {
  readonly #engine: FakeEngine;
  readonly #host: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #onDown: () => void;
  #port: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(engine: FakeEngine, options: ServerOptions) {
    this.#engine = engine;
    this.#host = options.host;
    this.#port = options.port;
    this.#onDown = options.onDown ?? (() => undefined);
    // Like vLLM: no bound on how long a request may take to arrive.
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => {
      void routeRequest(engine, this, request, response);
    });
    this.#server.keepAliveTimeout = options.keepAliveTimeoutMs;
    this.#server.on('connection', (socket: Socket) => {
      engine.tally.add('connections');
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Resolves when it listens; rejects when the port is taken. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  async crash({ restartAfterMs }: CrashOptions = {}): Promise<void> {
    this.#engine.tally.add('crashes');
    await this.#stop((socket) => socket.resetAndDestroy());
    this.#onDown();
    if (restartAfterMs === undefined) return;
    this.#timer = setTimeout(() => void this.restart(), restartAfterMs);
  }

  async restart(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#server.listening && !this.#engine.process.isDead) return;
    if (this.#server.listening) await this.#stop((socket) => socket.resetAndDestroy());
    this.#engine.startAnew();
    this.#engine.tally.add('restarts');
    await this.listen();
  }

  die(): void {
    this.#engine.tally.add('crashes');
    this.#engine.die();
    clearTimeout(this.#timer);
    const stop = (): void => void this.#stop((socket) => socket.destroy()).then(this.#onDown);
    this.#timer = setTimeout(stop, this.#engine.settings.deathGraceMs).unref();
  }

  hangEngine(): void {
    this.#engine.process.pulse.hang();
  }

  resumeEngine(): void {
    this.#engine.process.pulse.resume();
  }

  degrade(options: Degradation): void {
    this.#engine.process.pulse.degrade(options, () => this.die());
  }

  setOverload(isOn: boolean): void {
    this.#engine.process.isOverloaded = isOn;
  }

  setHealthy(health: boolean | HealthBehaviour): void {
    this.#engine.health.set(typeof health === 'boolean' ? { healthy: health } : health);
  }

  showGauges(gauges: Partial<Gauges>): void {
    this.#engine.showGauges(gauges);
  }

  setPace(pace: Parameters<EngineControls['setPace']>[0]): void {
    this.#engine.setPace(pace);
  }

  /** Drops every connection and stops for good. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#stop((socket) => socket.destroy());
    this.#engine.events.close();
  }

  async #stop(drop: (socket: Socket) => void): Promise<void> {
    this.#engine.lose(new ConnectionLost('the engine is gone'));
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) drop(socket);
    await closed;
  }
}
