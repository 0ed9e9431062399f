import { randomUUID } from 'node:crypto';
import type { Lease } from '@fovea/job-queue';
import type { ChatJob, InferenceJob } from '@fovea/schemas/jobs';

/** A job that asks "Hi" of tiny-vlm and has a minute. */
export function createJob(changes: Partial<ChatJob> = {}): ChatJob {
  return {
    v: 1,
    id: randomUUID(),
    tenant: 'acme',
    model: 'tiny-vlm',
    checkpoint: 'tiny-vlm',
    lane: 'text',
    deadlineAtMs: Date.now() + 60_000,
    task: {
      kind: 'chat',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }], plain: true }],
      sampling: {},
    },
    blobs: [],
    ...changes,
  };
}

/** A lease that writes down how it was settled. */
export class FakeLease implements Lease {
  readonly job: InferenceJob;
  readonly fence: string;
  readonly attempt: number;
  readonly waitedMs = 3;
  readonly #lost = new AbortController();
  readonly settled: ('acknowledged' | 'handed back')[] = [];

  constructor(job: InferenceJob = createJob(), attempt = 1) {
    this.job = job;
    this.attempt = attempt;
    this.fence = `fence-${attempt}`;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  lose(): void {
    this.#lost.abort(new Error('lock lost'));
  }

  acknowledge(): Promise<void> {
    this.settled.push('acknowledged');
    return Promise.resolve();
  }

  handBack(): Promise<void> {
    this.settled.push('handed back');
    return Promise.resolve();
  }
}
