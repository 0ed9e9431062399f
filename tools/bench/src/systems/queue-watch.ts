import type { Consumer, Lease } from '@fovea/job-queue';
import type { FoveaSystem } from './fovea.js';

/**
 * Sees jobs arrive as a worker does. A job in the queue is the moment at which a request has been read, checked and
 * stored: everything a worker needs is there.
 */
export class QueueWatch {
  private constructor(
    private readonly consumer: Consumer,
    private readonly model: string,
  ) {}

  static async open(system: FoveaSystem, model: string): Promise<QueueWatch> {
    const consumer = await system.openQueue().consume({ checkpoint: model, kind: 'media' });
    return new QueueWatch(consumer, model);
  }

  /** Resolves when so many jobs have arrived. */
  async arrivals(count: number): Promise<readonly Lease[]> {
    const leases: Lease[] = [];
    while (leases.length < count) {
      const lease = await this.consumer.take();
      if (lease === undefined) throw new Error(`the queue of ${this.model} was closed`);
      leases.push(lease);
    }
    return leases;
  }

  /** Puts the jobs back where nobody takes them: the gateway removes them when it sees its client hang up. */
  async handBack(leases: readonly Lease[]): Promise<void> {
    await Promise.all(leases.map((lease) => lease.handBack()));
  }
}
