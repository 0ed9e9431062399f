import sharp from 'sharp';

export interface Shape {
  readonly kind: 'cross' | 'circle' | 'square';
  readonly color: string;
  /** Centre and half size, in hundredths of the picture's side. */
  readonly x: number;
  readonly y: number;
  readonly half: number;
}

function draw({ kind, color, x, y, half }: Shape): string {
  if (kind === 'circle') return `<circle cx="${x}" cy="${y}" r="${half}" fill="${color}"/>`;
  if (kind === 'square') {
    return `<rect x="${x - half}" y="${y - half}" width="${2 * half}" height="${2 * half}" fill="${color}"/>`;
  }
  const arm = half / 3;
  const bar = (width: number, height: number) =>
    `<rect x="${x - width}" y="${y - height}" width="${2 * width}" height="${2 * height}" fill="${color}"/>`;
  return bar(half, arm) + bar(arm, half);
}

/** A picture of shapes on a plain background, as the model `shapes-vlm` was trained on, as a data URL. */
export async function drawScene(
  background: string,
  shapes: readonly Shape[],
  format: 'png' | 'jpeg' = 'png',
  sidePx = 300,
): Promise<string> {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${sidePx}" height="${sidePx}" viewBox="0 0 100 100">` +
    `<rect width="100" height="100" fill="${background}"/>${shapes.map(draw).join('')}</svg>`;
  const bytes = await sharp(Buffer.from(svg)).toFormat(format).toBuffer();
  return `data:image/${format};base64,${bytes.toString('base64')}`;
}
