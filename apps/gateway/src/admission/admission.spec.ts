import type { JobQueue, LaneDepth, LaneState } from '@fovea/job-queue';
import { describe, expect, it } from '@jest/globals';
import { Admission } from './admission.js';

const limits = {
  maxBodyBytes: 100,
  maxBytesInFlight: 250,
  maxBytesInFlightPerTenant: 150,
  maxWaitingJobsPerLane: 2,
};
const withDepth = (
  waiting: number,
  onBytesInFlight?: (total: number) => void,
  state: LaneState = 'open',
): Admission => {
  const depth = async (): Promise<LaneDepth> => ({ waiting, active: 0, state });
  return new Admission({ depth } as unknown as JobQueue, limits, onBytesInFlight);
};
const declared = (declaredBytes: number) => ({ declaredBytes, decoderBytes: 0 });

describe('Admission', () => {
  it('refuses a declared body over the limit by its length, exactly at limit + 1', () => {
    const admission = withDepth(0);
    expect(admission.admitBody('a', declared(100)).admitted).toBe(true);
    expect(admission.admitBody('b', declared(101))).toMatchObject({
      admitted: false,
      error: { code: 'PAYLOAD_TOO_LARGE', limit: { name: 'max_body_bytes', value: 100, actual: 101 } },
    });
  });

  it('reserves what is declared, and room for what unpacks it, up front', () => {
    const admission = withDepth(0);
    const first = admission.admitBody('a', { declaredBytes: 90, decoderBytes: 10 });
    expect(admission.admitBody('a', declared(51))).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    expect(admission.admitBody('b', declared(100)).admitted).toBe(true);
    if (first.admitted) first.grant.release();
    expect(admission.admitBody('a', declared(51)).admitted).toBe(true);
  });

  it('lets a body of unknown length in and counts it as it arrives', () => {
    const totals: number[] = [];
    const admission = withDepth(0, (total) => totals.push(total));
    const verdict = admission.admitBody('a', { declaredBytes: undefined, decoderBytes: 0 });
    if (!verdict.admitted) throw verdict.error;
    expect(totals).toEqual([]);
    expect(verdict.grant.cover(150).admitted).toBe(true);
    expect(verdict.grant.cover(151)).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    verdict.grant.release();
    expect(totals).toEqual([150, 0]);
  });

  it('refuses a job when its lane is full, and says when to come back', async () => {
    const lane = { checkpoint: 'c', kind: 'text' } as const;
    expect((await withDepth(1).admitJob(lane)).admitted).toBe(true);
    expect(await withDepth(2).admitJob(lane)).toMatchObject({
      admitted: false,
      error: { code: 'QUEUE_FULL', retryAfterS: expect.any(Number) },
    });
  });

  it.each([
    ['open', true],
    ['paused', true],
    ['draining', false],
    ['closed', false],
  ] as const)('of a lane that is %s: admitted is %s', async (state, admitted) => {
    const verdict = await withDepth(0, undefined, state).admitJob({ checkpoint: 'c', kind: 'text' });
    expect(verdict.admitted).toBe(admitted);
    if (!verdict.admitted) {
      expect(verdict.error).toMatchObject({ code: 'MODEL_UNAVAILABLE', retryAfterS: expect.any(Number) });
    }
  });
});
