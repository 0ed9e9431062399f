import { describe, expect, it } from '@jest/globals';
import { quietRepeats } from './quiet-repeats.js';

describe('quietRepeats', () => {
  it('passes the same error on once in 30 s and a new one at once', () => {
    let nowMs = 0;
    const logged: string[] = [];
    const log = quietRepeats(
      (error) => logged.push(`${nowMs}: ${String(error)}`),
      () => nowMs,
    );
    log(new Error('refused'));
    nowMs = 29_999;
    log(new Error('refused'));
    log(new Error('reset'));
    nowMs = 60_000;
    log(new Error('reset'));
    expect(logged).toEqual(['0: Error: refused', '29999: Error: reset', '60000: Error: reset']);
  });
});
