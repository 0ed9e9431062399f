import type { JobQueue, LaneDepth } from '@fovea/job-queue';
import { describe, expect, it } from '@jest/globals';
import { Admission } from './admission.js';

const limits = {
  maxBodyBytes: 100,
  maxBytesInFlight: 250,
  maxBytesInFlightPerTenant: 150,
  maxWaitingJobsPerLane: 2,
};
const withDepth = (waiting: number): Admission => {
  const depth = async (): Promise<LaneDepth> => ({ waiting, active: 0 });
  return new Admission({ depth } as unknown as JobQueue, limits);
};
const codeOf = (verdict: { admitted: boolean; error?: { code: string } }): string | undefined =>
  verdict.error?.code;

describe('Admission', () => {
  it('refuses a declared body over the limit by its length, exactly at limit + 1', () => {
    const admission = withDepth(0);
    expect(admission.admitBody('a', 100).admitted).toBe(true);
    expect(admission.admitBody('b', 101)).toMatchObject({
      admitted: false,
      error: { code: 'PAYLOAD_TOO_LARGE', limit: { name: 'max_body_bytes', value: 100, actual: 101 } },
    });
  });

  it('bounds the bytes in flight of one tenant and leaves the others room', () => {
    const admission = withDepth(0);
    const first = admission.admitBody('a', 100);
    expect(codeOf(admission.admitBody('a', 51))).toBe('RATE_LIMITED');
    expect(admission.admitBody('b', 100).admitted).toBe(true);
    first.grant?.release();
    expect(admission.admitBody('a', 51).admitted).toBe(true);
  });

  it('bounds the bytes of all, and counts a body of unknown length as the largest', () => {
    const admission = withDepth(0);
    admission.admitBody('a', undefined);
    admission.admitBody('b', undefined);
    expect(codeOf(admission.admitBody('c', 51))).toBe('QUEUE_FULL');
    expect(admission.admitBody('c', 50).admitted).toBe(true);
  });

  it('gives back what a grant held exactly once', () => {
    const admission = withDepth(0);
    const { grant } = admission.admitBody('a', 100);
    grant?.release();
    grant?.release();
    admission.admitBody('a', 100);
    expect(codeOf(admission.admitBody('a', 100))).toBe('RATE_LIMITED');
  });

  it('refuses a job when its lane is full, and says when to come back', async () => {
    const lane = { checkpoint: 'c', kind: 'text' } as const;
    expect((await withDepth(1).admitJob(lane)).admitted).toBe(true);
    expect(await withDepth(2).admitJob(lane)).toMatchObject({
      admitted: false,
      error: { code: 'QUEUE_FULL', retryAfterS: expect.any(Number) },
    });
  });
});
