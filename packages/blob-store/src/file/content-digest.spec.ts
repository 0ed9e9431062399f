import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { blake3 } from '@napi-rs/blake-hash';
import { type ContentDigest, createContentDigest, loadContentDigest } from './content-digest.js';

const bytes = randomBytes(300_000);
function digestOf(digest: ContentDigest): string {
  for (let at = 0; at < bytes.length; at += 70_001) digest.update(bytes.subarray(at, at + 70_001));
  return digest.end().toString('hex');
}

describe('the digest of a file', () => {
  it('is BLAKE3 of all pieces', () => {
    expect(digestOf(createContentDigest())).toBe(blake3(bytes).toString('hex'));
    // The empty input of the official test vectors.
    expect(createContentDigest().end().toString('hex')).toBe(
      'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    );
  });

  it('is SHA-256 where BLAKE3 has no binary', async () => {
    const create = await loadContentDigest(() => Promise.reject(new Error('Cannot find native binding')));
    expect(digestOf(create())).toBe(createHash('sha256').update(bytes).digest('hex'));
  });
});
