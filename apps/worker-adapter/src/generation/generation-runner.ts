import type { Lease } from '@fovea/job-queue';
import type { LaneKind } from '@fovea/schemas/jobs';
import { Generation, type GenerationPorts } from './generation.js';
import type { RunningGenerations } from './running-generations.js';

/** Runs leases as generations, and keeps count of them. */
export class GenerationRunner {
  readonly #ports: GenerationPorts;
  readonly #running: RunningGenerations;
  readonly #onCount: (lane: LaneKind, running: number) => void;
  readonly #counts = new Map<LaneKind, number>();

  /** `onCount` is told how many generations of a lane run, each time that changes. */
  constructor(
    ports: GenerationPorts,
    running: RunningGenerations,
    onCount: (lane: LaneKind, running: number) => void,
  ) {
    this.#ports = ports;
    this.#running = running;
    this.#onCount = onCount;
  }

  /** Resolves when the lease is settled or lost. Never throws. */
  async run(lease: Lease): Promise<void> {
    const generation = new Generation(lease, this.#ports);
    const remove = this.#running.add(lease.job.id, generation.stop);
    this.#count(lease.job.lane, 1);
    try {
      await generation.run();
    } finally {
      this.#count(lease.job.lane, -1);
      remove();
    }
  }

  #count(lane: LaneKind, change: number): void {
    const running = (this.#counts.get(lane) ?? 0) + change;
    this.#counts.set(lane, running);
    this.#onCount(lane, running);
  }
}
