import type { Lease } from '@fovea/job-queue';
import type { Claim } from '../engine/claim.js';
import { Generation, type GenerationPorts } from './generation.js';
import type { RunningGenerations } from './running-generations.js';

/** Runs leases as generations, and keeps the list of them. */
export class GenerationRunner {
  readonly #ports: GenerationPorts;
  readonly #running: RunningGenerations;

  constructor(ports: GenerationPorts, running: RunningGenerations) {
    this.#ports = ports;
    this.#running = running;
  }

  /** Resolves when the lease is settled or lost; the claim is released then. Never throws. */
  async run(lease: Lease, claim: Claim): Promise<void> {
    const generation = new Generation(lease, claim, this.#ports);
    const remove = this.#running.add(lease.job.id, generation.stop);
    try {
      await generation.run();
    } finally {
      claim.release();
      remove();
    }
  }
}
