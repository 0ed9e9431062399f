import { describe, expect, it } from '@jest/globals';
import { fuzz } from './fuzz.js';

/** Another day, another seed; the failure names it. */
const seed = Math.floor(Date.now() / 86_400_000);

describe('random documents, cut at random', () => {
  it(`are read as JSON.parse and a strict base64 read them (seed ${seed})`, async () => {
    const { accepted, refused, media } = await fuzz({ documents: 20_000, seed });
    for (const count of [accepted, refused, media]) expect(count).toBeGreaterThan(2_000);
  }, 300_000);
});
