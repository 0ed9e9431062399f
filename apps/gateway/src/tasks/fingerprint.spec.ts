import { describe, expect, it } from '@jest/globals';
import { fingerprintOf } from './fingerprint.js';

const image = (byte: string) => ({ name: byte.repeat(64), mediaType: 'image/png', byteSize: 1 });
const job = { tenant: 'acme', model: 'm', blobs: [image('a')] };
const content = Buffer.from('{"messages":[]}');

describe('the fingerprint of a request', () => {
  it('is the same for the same request', () => {
    const again = fingerprintOf({ ...job, blobs: [image('a')] }, Buffer.from(content), { n: 1 });
    expect(fingerprintOf(job, content, { n: 1 })).toBe(again);
    expect(again).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is another one for each other tenant, model, picture, text and sampling', () => {
    const all = [
      fingerprintOf(job, content, {}),
      fingerprintOf({ ...job, tenant: 'other' }, content, {}),
      fingerprintOf({ ...job, model: 'other' }, content, {}),
      fingerprintOf({ ...job, blobs: [image('b')] }, content, {}),
      fingerprintOf({ ...job, blobs: [image('a'), image('a')] }, content, {}),
      fingerprintOf(job, Buffer.from('{"messages":[1]}'), {}),
      fingerprintOf(job, content, { seed: 1 }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
