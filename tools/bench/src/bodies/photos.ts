import sharp from 'sharp';

const NOISE = 12;
const QUALITY = 85;
/** `FF FE`, the length of the comment with its two bytes, and six digits. */
const comment = (index: number): Buffer =>
  Buffer.from(`\xff\xfe\x00\x08${`${index}`.padStart(6, '0')}`, 'latin1');
const START_OF_IMAGE_BYTES = 2;

/**
 * JPEGs as telephones make them: lying on their side (EXIF orientation 6), so that each has to be decoded and encoded
 * anew. They differ in a comment only, which makes each a picture of its own for every cache.
 */
export async function photos(count: number, width: number, height: number): Promise<Buffer[]> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: NOISE };
  const jpeg = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
    .jpeg({ quality: QUALITY })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const [start, rest] = [jpeg.subarray(0, START_OF_IMAGE_BYTES), jpeg.subarray(START_OF_IMAGE_BYTES)];
  return Array.from({ length: count }, (_, index) => Buffer.concat([start, comment(index), rest]));
}
