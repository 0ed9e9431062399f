import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { repository } from './part.js';

export const dataUrl = (bytes: Uint8Array, mediaType = 'image/png'): string =>
  `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`;

/** A cross, as the demo model knows it; opaque, so that it reaches an engine as it is. */
export function crossPicture(color: string, background: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="${background}"/><path d="M98 38h60v60h60v60h-60v60h-60v-60h-60v-60h60z" fill="${color}"/></svg>`;
  return sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
}

export function plainPicture(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#3366cc' } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** The printed note of the quick start. */
export const samplePicture = (): Promise<Buffer> => readFile(join(repository, 'examples/sample.png'));

export const imagePart = (url: string): { type: 'image_url'; image_url: { url: string } } => ({
  type: 'image_url',
  image_url: { url },
});
