import { VllmError } from '../http/vllm-error.js';
import { MediaCache } from '../media/media-cache.js';
import type { ImageReader } from '../media/open-image.js';
import { EngineMetrics, type Gauges } from '../metrics/engine-metrics.js';
import { type Counters, Tally } from '../metrics/tally.js';
import type { Admission } from '../requests/admission.js';
import { engineDead } from '../requests/endings.js';
import type { SeenRequest } from '../requests/seen-request.js';
import { EventLog } from '../script/event-log.js';
import { Gates } from '../script/gates.js';
import { ScriptQueue } from '../script/script-queue.js';
import { type EngineSettings, type FakeEngineOptions, toSettings } from './engine-options.js';
import { Health } from './health.js';
import { blockSize, PrefixCache } from './prefix-cache.js';
import { Preprocessor } from './preprocessor.js';
import { Pulse } from './pulse.js';
import { Slots } from './slots.js';

const maxSeenRequests = 1000;

/** What one process of the engine holds; a restart begins with a new one. */
class EngineProcess {
  readonly slots: Slots;
  readonly pulse = new Pulse();
  readonly preprocessor = new Preprocessor();
  readonly metrics: EngineMetrics;
  readonly prefixCache: PrefixCache;
  readonly mediaCache: MediaCache;
  readonly startedAtS = Date.now() / 1000;
  isDead = false;
  isOverloaded = false;

  constructor(settings: EngineSettings) {
    const maxWaiting = settings.dialect.boundsQueue ? settings.maxWaiting : Number.POSITIVE_INFINITY;
    this.slots = new Slots(settings.maxRunning, maxWaiting);
    this.metrics = new EngineMetrics(settings.dialect);
    this.prefixCache = new PrefixCache(Math.floor(settings.kvCacheTokens / blockSize));
    this.mediaCache = new MediaCache(settings.mmCacheItems);
  }
}

/** State of the engine, shared by its routes. */
export class FakeEngine {
  settings: EngineSettings;
  readonly scripts = new ScriptQueue();
  readonly gates = new Gates();
  readonly events = new EventLog();
  readonly tally = new Tally();
  readonly health = new Health();
  readonly requests: SeenRequest[] = [];
  /** Requests between their arrival and the end of their answer. */
  readonly inFlight = new Set<Admission>();
  process: EngineProcess;
  #gauges: Partial<Gauges> = {};

  constructor(options: FakeEngineOptions) {
    this.settings = toSettings(options);
    this.process = new EngineProcess(this.settings);
  }

  get counters(): Counters {
    const { slots, preprocessor } = this.process;
    return this.tally.read({
      running: slots.running,
      waiting: slots.waiting,
      preprocessing: preprocessor.count,
    });
  }

  get imageReader(): Omit<ImageReader, 'cache'> {
    const { dialect, allowedLocalMediaPath, maxImagePixels, imageTokens } = this.settings;
    return { dialect, allowedLocalMediaPath, maxImagePixels, imageTokens };
  }

  /** Throws what a request gets when the engine takes none. */
  checkOpen(): void {
    if (this.process.isDead) throw engineDead();
    if (this.process.isOverloaded) throw new VllmError(503, 'The engine queue is full. Please retry later.');
  }

  /** Whether a name is served: the model, an alias or an adapter. An empty one means the model. */
  serves(name: string | null | undefined): boolean {
    const { model, aliases, loraModels } = this.settings;
    return !name || [model, ...aliases, ...loraModels].includes(name);
  }

  /** The model name a reply carries. */
  replyName(requested: string | null | undefined): string {
    if (!requested) return this.settings.model;
    const isEchoed = this.settings.dialect.echoesModelName || this.settings.loraModels.includes(requested);
    return isEchoed ? requested : this.settings.model;
  }

  remember(request: SeenRequest): void {
    this.requests.push(request);
    if (this.requests.length > maxSeenRequests) this.requests.shift();
  }

  /** Shows these values in `/metrics` in place of the true ones; `{}` ends it. */
  showGauges(gauges: Partial<Gauges>): void {
    this.#gauges = gauges;
  }

  setPace({
    ttftMs,
    interTokenMs,
  }: {
    ttftMs?: number | undefined;
    interTokenMs?: number | undefined;
  }): void {
    const { settings } = this;
    this.settings = {
      ...settings,
      ttftMs: ttftMs ?? settings.ttftMs,
      interTokenMs: interTokenMs ?? settings.interTokenMs,
    };
  }

  metricsText(): string {
    const { settings, process } = this;
    let tokens = 0;
    for (const { run } of this.inFlight) tokens += run?.heldTokens ?? 0;
    return process.metrics.toText({
      model: settings.model,
      blockSize,
      blocks: Math.floor(settings.kvCacheTokens / blockSize),
      running: process.slots.running,
      waiting: process.slots.waiting,
      startedAtS: process.startedAtS,
      kvUsage: Math.min(1, tokens / settings.kvCacheTokens),
      ...this.#gauges,
    });
  }

  /**
   * The engine process dies under its server: requests in flight end with an error, `/health` turns 503. Whoever
   * owns the server has to stop it after `deathGraceMs`.
   */
  die(): void {
    this.process.isDead = true;
    this.health.isHealthy = false;
    this.#endAll(engineDead());
  }

  /** Everything in flight is lost without a word. */
  lose(reason: Error): void {
    this.#endAll(reason);
  }

  /** A new process with empty caches and metrics at zero. Scripts, events and seen requests stay. */
  startAnew(): void {
    this.process = new EngineProcess(this.settings);
    this.health.set({});
  }

  /** Forgets scripts, gates, events, requests and moods; opens gates that hold somebody. Counters go on. */
  reset(): void {
    this.scripts.clear();
    this.gates.clear();
    this.events.clear();
    this.requests.length = 0;
    this.process.pulse.resume();
    this.process.isOverloaded = false;
    this.#gauges = {};
    if (!this.process.isDead) this.health.set({});
  }

  #endAll(reason: Error): void {
    for (const request of [...this.inFlight]) request.end(reason);
  }
}
