import { describe, expect, it } from '@jest/globals';
import { Admission } from './admission.js';

describe('admission', () => {
  it('accepts what may run and wait, and refuses one more with the limit', () => {
    const admission = new Admission(2, 1);
    admission.enter(2);
    const last = admission.enter(1);
    expect(() => admission.enter(1)).toThrow(
      expect.objectContaining({
        code: 'QUEUE_FULL',
        limit: { name: 'max_queued_requests', value: 3, actual: 4 },
      }),
    );
    last.release();
    expect(admission.inFlight).toBe(2);
    admission.enter(1);
  });

  it('counts a place given back twice once', () => {
    const admission = new Admission(2, 0);
    const place = admission.enter(1);
    place.release();
    place.release();
    expect(admission.inFlight).toBe(0);
  });
});
