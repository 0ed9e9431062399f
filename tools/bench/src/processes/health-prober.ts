import { z } from 'zod';
import type { Bench } from '../scenario.js';
import { Child, childScript } from './child.js';

const reportSchema = z.object({
  /** The longest time without an answer. */
  worstGapMs: z.number(),
  /** Of the times to an answer. */
  p99Ms: z.number(),
  answers: z.number(),
  /** The longest the prober itself was kept from running: gaps near this say nothing of the server. */
  ownWorstDelayMs: z.number(),
});
export type HealthReport = z.infer<typeof reportSchema>;

/** Asks a health route every 5 ms from a process of its own, so that the load does not slow the question. */
export class HealthProber {
  private constructor(private readonly child: Child) {}

  static async start(url: string, bench: Bench): Promise<HealthProber> {
    const script = childScript('health-prober');
    const child = await Child.start({ name: 'health prober', script, args: [url], hasChannel: true }, bench);
    return new HealthProber(child);
  }

  /** Resolves when the first answer is there. */
  async begin(): Promise<void> {
    await this.child.ask('begin');
  }

  /** What happened since `begin`. */
  async end(): Promise<HealthReport> {
    return reportSchema.parse(await this.child.ask('end'));
  }
}
