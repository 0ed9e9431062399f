import { describe, expect, it } from '@jest/globals';
import { type ByteGrant, BytesInFlight, type Verdict } from './bytes-in-flight.js';

const limits = { maxBytesInFlight: 250, maxBytesInFlightPerTenant: 150 };
const codeOf = (verdict: Verdict): string | undefined => (verdict.admitted ? undefined : verdict.error.code);

describe('bytes in flight', () => {
  it('grow with what arrives, and never shrink before the release', () => {
    const seen: number[] = [];
    const grant = new BytesInFlight(limits, (total) => seen.push(total)).open('a');
    for (const bytes of [10, 40, 20, 41]) expect(grant.cover(bytes).admitted).toBe(true);
    grant.release();
    expect(seen).toEqual([10, 40, 41, 0]);
  });

  it('of one tenant are bounded in the middle of an upload, and the others keep their room', () => {
    const bytes = new BytesInFlight(limits, () => {});
    const [first, second, other] = [bytes.open('a'), bytes.open('a'), bytes.open('b')];
    first.cover(100);
    second.cover(50);
    expect(second.cover(51)).toMatchObject({
      admitted: false,
      error: {
        code: 'RATE_LIMITED',
        status: 429,
        limit: { name: 'max_bytes_in_flight_per_tenant', value: 150 },
        retryAfterS: expect.any(Number),
      },
    });
    expect(other.cover(100).admitted).toBe(true);
    first.release();
    expect(second.cover(150).admitted).toBe(true);
  });

  it('of all are bounded', () => {
    const bytes = new BytesInFlight(limits, () => {});
    bytes.open('a').cover(150);
    expect(bytes.open('b').cover(100).admitted).toBe(true);
    expect(codeOf(bytes.open('c').cover(1))).toBe('QUEUE_FULL');
  });

  it('a refused growth takes nothing', () => {
    const bytes = new BytesInFlight(limits, () => {});
    const grant = bytes.open('a');
    expect(codeOf(grant.cover(151))).toBe('RATE_LIMITED');
    expect(bytes.open('a').cover(150).admitted).toBe(true);
  });

  it('come back exactly once, and a released grant takes no more', () => {
    let total = -1;
    const bytes = new BytesInFlight(limits, (now) => {
      total = now;
    });
    const kept = bytes.open('a');
    kept.cover(30);
    const grant = bytes.open('a');
    grant.cover(100);
    grant.release();
    grant.release();
    grant.cover(120);
    expect(total).toBe(30);
  });

  it('end at nothing after any order of grants, growth, refusals and releases', () => {
    let total = 0;
    const bytes = new BytesInFlight(limits, (now) => {
      total = now;
      expect(now).toBeGreaterThanOrEqual(0);
      expect(now).toBeLessThanOrEqual(limits.maxBytesInFlight);
    });
    let seed = 1;
    const random = (bound: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % bound;
    };
    const open: ByteGrant[] = [];
    for (let step = 0; step < 5_000; step += 1) {
      const kind = random(4);
      if (kind === 0) open.push(bytes.open(`tenant-${random(3)}`));
      else if (kind === 3) open.splice(random(open.length + 1), 1)[0]?.release();
      else open[random(open.length + 1)]?.cover(random(160));
    }
    for (const grant of open) grant.release();
    expect(total).toBe(0);
  });
});
