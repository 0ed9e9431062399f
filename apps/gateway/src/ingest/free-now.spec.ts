import { describe, expect, it } from '@jest/globals';
import { freeNow } from './free-now.js';

describe('freeing memory', () => {
  it('takes the bytes away at once', () => {
    const bytes = Buffer.allocUnsafeSlow(64 * 1024);
    freeNow(bytes);
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([0, 0]);
  });

  it('leaves alone what is part of a larger memory, shared with threads, or small', () => {
    const part = Buffer.allocUnsafeSlow(64 * 1024).subarray(1);
    const shared = Buffer.from(new SharedArrayBuffer(64 * 1024));
    const small = Buffer.allocUnsafeSlow(1024);
    const sizes = [part, shared, small].map((bytes) => {
      freeNow(bytes);
      return bytes.length;
    });
    expect(sizes).toEqual([64 * 1024 - 1, 64 * 1024, 1024]);
  });
});
