import { describe, expect, it } from '@jest/globals';
import { UploadPace } from './upload-pace.js';

const limits = { idleMs: 10_000, minBytesPerS: 100 };

describe('the pace of an upload', () => {
  it('is too slow after a silence, exactly when it is over', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    expect(pace.fault(9_999)).toBeUndefined();
    expect(pace.fault(10_000)).toEqual({ name: 'upload_idle_s', value: 10, actual: 10 });
  });

  it('counts silence from the last byte', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    pace.received(1, 9_000);
    expect(pace.fault(18_999)).toBeUndefined();
    expect(pace.fault(19_000)?.name).toBe('upload_idle_s');
  });

  it('never counts time in which we did not read', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    pace.pause(9_000);
    expect(pace.fault(1_000_000)).toBeUndefined();
    pace.wait(1_000_000);
    expect(pace.fault(1_009_999)).toBeUndefined();
    expect(pace.fault(1_010_000)?.name).toBe('upload_idle_s');
  });

  it('forgives nothing by asking twice', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    pace.wait(9_000);
    expect(pace.fault(10_000)?.name).toBe('upload_idle_s');
  });

  it('catches a client that drips, after a grace of one window', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    for (let at = 1_000; at < 20_000; at += 1_000) {
      pace.received(1, at);
      expect(pace.fault(at)).toBeUndefined();
    }
    pace.received(1, 20_000);
    expect(pace.fault(20_000)).toEqual({ name: 'upload_min_bytes_per_s', value: 100, actual: 1 });
  });

  it('lets pass who sends the least that is asked, for as long as it takes', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    for (let at = 1_000; at < 600_000; at += 1_000) {
      pace.received(100, at);
      expect(pace.fault(at)).toBeUndefined();
    }
  });

  it('slides: a fast beginning does not pay for a slow end', () => {
    const pace = new UploadPace(limits);
    pace.wait(0);
    pace.received(1_000_000, 500);
    let at = 1_000;
    for (; pace.fault(at) === undefined; at += 1_000) pace.received(1, at);
    expect(pace.fault(at)?.name).toBe('upload_min_bytes_per_s');
    expect(at).toBeGreaterThan(20_000);
    expect(at).toBeLessThanOrEqual(22_000);
  });

  it('asks for no rate where the least is 0', () => {
    const pace = new UploadPace({ idleMs: 10_000, minBytesPerS: 0 });
    pace.wait(0);
    for (let at = 9_000; at < 200_000; at += 9_000) {
      pace.received(1, at);
      expect(pace.fault(at)).toBeUndefined();
    }
  });
});
