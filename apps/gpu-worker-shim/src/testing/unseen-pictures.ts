import sharp from 'sharp';
import { Draws, paints, type UnseenScene, type UnseenShape, unseenScene } from './unseen-scenes.js';

/** A scene as SVG, drawn by librsvg: another renderer than that of the training pictures, other colours and outlines. */
export interface UnseenPicture {
  readonly scene: UnseenScene;
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp';
  readonly bytes: Buffer;
}

const points = (corners: readonly (readonly [number, number])[]): string =>
  corners.map(([x, y]) => `${x.toFixed(3)},${y.toFixed(3)}`).join(' ');

function star(): string {
  const corners = Array.from({ length: 10 }, (_, at) => {
    const radius = at % 2 === 0 ? 1 : 0.42;
    const angle = (at * Math.PI) / 5;
    return [radius * Math.sin(angle), -radius * Math.cos(angle)] as const;
  });
  return `<polygon points="${points(corners)}"/>`;
}

/** The outline in a square from −1 to 1. */
function outline(kind: UnseenShape['kind'], paint: string): string {
  switch (kind) {
    case 'circle':
      return '<circle r="1"/>';
    case 'square':
      return '<rect x="-0.92" y="-0.92" width="1.84" height="1.84"/>';
    case 'triangle':
      return '<path d="M0-.95 1 .9H-1z"/>';
    case 'cross':
      return `<path d="M0-1V1M-1 0H1" stroke="${paint}" stroke-width="0.6"/>`;
    case 'star':
      return star();
    case 'ring':
      return `<circle r="0.8" fill="none" stroke="${paint}" stroke-width="0.4"/>`;
  }
}

function svgOf(scene: UnseenScene, draws: Draws): string {
  const { width, height } = scene;
  const shapes = scene.shapes.map(({ kind, color, x, y, half, turn }) => {
    const paint = draws.pick(paints[color]);
    const place = `translate(${x * width} ${y * height}) rotate(${turn}) scale(${half * Math.min(width, height)})`;
    return `<g fill="${paint}" transform="${place}">${outline(kind, paint)}</g>`;
  });
  const ground = draws.pick(paints[scene.background]);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<rect width="100%" height="100%" fill="${ground}"/>${shapes.join('')}</svg>`
  );
}

/** Counts of shapes: of five pictures two have one, two have two, one has three. */
const counts = [1, 2, 1, 2, 3];

/** Picture number `index` of a seed: PNG, JPEG or WebP. */
export async function drawUnseenPicture(seed: number, index: number): Promise<UnseenPicture> {
  const draws = new Draws(seed * 1_000_003 + index);
  const scene = unseenScene(draws, counts[index % counts.length]!);
  const image = sharp(Buffer.from(svgOf(scene, draws))).removeAlpha();
  const format = draws.pick(['png', 'jpeg', 'jpeg', 'webp'] as const);
  const quality = Math.round(draws.between(70, 95));
  const bytes = await image.toFormat(format, format === 'png' ? {} : { quality }).toBuffer();
  return { scene, mediaType: `image/${format}`, bytes };
}
