import { FoveaError } from '@fovea/errors';
import type { LaneKind } from '@fovea/schemas/jobs';
import { Claim, type Place, type PlaceRequest } from './claim.js';
import type { Engine } from './engine.js';
import { FailedAttempts } from './failed-attempts.js';

const MORE_THAN_ANY_LOAD = 2;

/** Told of each change; `reason` is for the log and may hold addresses. */
export type FitnessListener = (isFit: boolean, reason: string) => void;

/**
 * The engines of this worker. Hands out their places, the least loaded fit engine first, and keeps the line of the
 * jobs that were taken and have no place yet.
 *
 * The line is served in order; a job that finds no room is passed by those of other lanes, never by one of its own. When
 * no engine is fit the line is dissolved: its jobs go back to the queue, where another worker may have room.
 */
export class EnginePool {
  readonly engines: readonly Engine[];
  readonly #failed = new FailedAttempts();
  readonly #fitListeners = new Set<FitnessListener>();
  readonly #roomListeners = new Set<() => void>();
  readonly #line: Claim[] = [];
  #turns = 0;
  #wasFit = false;
  #isServing = false;

  constructor(engines: readonly Engine[]) {
    this.engines = engines;
    for (const engine of engines) {
      engine.onChange(() => this.#changed());
      engine.gate.onChange(() => this.#changed());
    }
  }

  start(): void {
    for (const engine of this.engines) engine.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.stop()));
  }

  /** True while at least one engine may be given work. */
  get isFit(): boolean {
    return this.engines.some((engine) => engine.isFit);
  }

  /** Why no work can be given to any engine, without addresses; undefined while one is fit. */
  get problem(): string | undefined {
    if (this.isFit) return undefined;
    const [first, ...more] = this.engines;
    return more.length > 0 ? 'none is fit' : first?.problem;
  }

  /** The same for the log; may hold addresses. */
  get lastProblem(): string {
    return this.engines.map(({ name, lastProblem }) => `engine ${name}: ${lastProblem}`).join('; ');
  }

  /** Jobs that were taken and wait for a place. */
  waiting(lane: LaneKind): number {
    return this.#line.filter(({ request }) => request.lane === lane).length;
  }

  /** Told when the pool becomes fit or unfit. The returned function stops listening. */
  onChange(listener: FitnessListener): () => void {
    this.#fitListeners.add(listener);
    return () => this.#fitListeners.delete(listener);
  }

  /** Told when a lane may have got or lost room. The returned function stops listening. */
  onRoom(listener: () => void): () => void {
    this.#roomListeners.add(listener);
    return () => this.#roomListeners.delete(listener);
  }

  /**
   * True when one more job of the lane may be taken: an engine has a slot, and nobody stands in line for it. Suspects that
   * wait for each other are passed, as long as there are fewer of them than slots.
   */
  hasRoom(lane: LaneKind): boolean {
    const line = this.#line.filter(({ request }) => request.lane === lane);
    const mayPass = line.every(({ request }) => request.isSuspect) && line.length < this.#slots(lane);
    return (line.length === 0 || mayPass) && this.#hasSlot(lane);
  }

  /** Resolves true as soon as the lane has room, false when the signal aborts first. */
  untilRoom(lane: LaneKind, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!signal.aborted && !this.hasRoom(lane)) return;
        stopListening();
        signal.removeEventListener('abort', look);
        resolve(!signal.aborted);
      };
      const stopListening = this.onRoom(look);
      signal.addEventListener('abort', look, { once: true });
      look();
    });
  }

  /** Stands in line for a place, in the order of the calls; a place that is free is given at once. */
  claim(request: PlaceRequest): Claim {
    const line = { join: (claim: Claim) => this.#join(claim), leave: (claim: Claim) => this.#leave(claim) };
    this.#turns += 1;
    return new Claim(request, this.#turns, line, this.#failed.engineOf(request.requestId));
  }

  /** Remembers that the engine failed this job, so that its next attempt prefers another one. */
  noteFailure(requestId: string, engine: Engine): void {
    this.#failed.add(requestId, engine.name);
  }

  /** A job that was turned away has its old place in line again. */
  #join(claim: Claim): void {
    this.#line.push(claim);
    this.#line.sort((left, right) => left.turn - right.turn);
    this.#changed();
  }

  #leave(claim: Claim): void {
    const place = this.#line.indexOf(claim);
    if (place < 0) return;
    this.#line.splice(place, 1);
    this.#changed();
  }

  #changed(): void {
    // Serving the line changes gates, which call back here; what follows from it is told below, once.
    if (this.#isServing) return;
    const { isFit } = this;
    if (isFit !== this.#wasFit) {
      this.#wasFit = isFit;
      for (const listener of [...this.#fitListeners]) listener(isFit, this.lastProblem);
    }
    this.#isServing = true;
    try {
      if (isFit) this.#serve();
      else this.#dissolve();
    } finally {
      this.#isServing = false;
    }
    for (const listener of [...this.#roomListeners]) listener();
  }

  #serve(): void {
    const blocked = new Set<LaneKind>();
    let mayBorrow = true;
    for (const claim of [...this.#line]) {
      const { lane } = claim.request;
      if (blocked.has(lane)) continue;
      const open = this.engines.filter((engine) => engine.admits(claim.request, mayBorrow));
      if (open.length === 0) {
        blocked.add(lane);
        // It lacks tokens, and would wait for ever if those behind it went on taking them.
        if (this.#hasSlot(lane)) mayBorrow = false;
        continue;
      }
      const place = this.#enter(claim, open);
      if (place === undefined) continue;
      this.#line.splice(this.#line.indexOf(claim), 1);
      claim.grant(place);
    }
  }

  #dissolve(): void {
    for (const claim of this.#line.splice(0)) {
      claim.refuse(new FoveaError('MODEL_UNAVAILABLE', { detail: 'no engine of this worker is fit' }));
    }
  }

  #hasSlot(lane: LaneKind): boolean {
    return this.engines.some((engine) => engine.hasSlot(lane));
  }

  #slots(lane: LaneKind): number {
    const all = this.engines.flatMap(({ gate }) => gate.lanes).filter((slots) => slots.lane === lane);
    return all.reduce((sum, { total }) => sum + total, 0);
  }

  /** The least loaded of the open engines; undefined for a suspect when there is another one on each. */
  #enter({ request, avoided }: Claim, open: readonly Engine[]): Place | undefined {
    const rank = (engine: Engine): number =>
      engine.gate.loadOf(request.lane) + (engine.name === avoided ? MORE_THAN_ANY_LOAD : 0);
    const fitting = open.filter(({ gate }) => request.isSuspect !== true || !gate.hasSuspect);
    return fitting.sort((left, right) => rank(left) - rank(right))[0]?.enter(request);
  }
}
