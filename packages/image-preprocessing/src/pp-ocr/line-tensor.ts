import type { ImageTensor } from './detection-tensor.js';
import type { RgbImage } from './rgb-image.js';

/** A rectangle in any position, in pixels of its picture. */
export interface RotatedBox {
  readonly centerX: number;
  readonly centerY: number;
  /** Along the reading direction. */
  readonly width: number;
  /** Across the reading direction. */
  readonly height: number;
  /** The reading direction in radians: 0 to the right, growing clockwise (y points down). */
  readonly angle: number;
}

export interface LineTensorSize {
  readonly height: number;
  /** Shorter lines are padded to this with mid-grey, which is what the networks were trained with. */
  readonly minWidth: number;
  /** Longer lines are squeezed to this. */
  readonly maxWidth: number;
  /** How much wider than high a square comes out; 1 keeps the picture's proportions. */
  readonly stretch: number;
}

/** More samples per axis gain nothing: at 8 every second pixel of a line 768 px high still counts. */
const maxSamplesPerAxis = 8;

/**
 * Cuts a line of text out of the picture, turns it level and scales it to the network's height in one pass, each
 * output pixel being the mean of bilinear samples. Normalised to −1…1, channels in the order blue, green, red.
 * Outside of the picture its edge pixels go on.
 */
export function toPpOcrLineTensor(image: RgbImage, box: RotatedBox, size: LineTensorSize): ImageTensor {
  const { height, minWidth, maxWidth, stretch } = size;
  const lineWidth = Math.min(maxWidth, Math.max(1, Math.ceil((stretch * height * box.width) / box.height)));
  const width = Math.max(minWidth, lineWidth);
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  const samplesX = samplesFor(box.width / lineWidth);
  const samplesY = samplesFor(box.height / height);
  const scale = 2 / (255 * samplesX * samplesY);
  const cos = Math.cos(box.angle);
  const sin = Math.sin(box.angle);
  const sum: [number, number, number] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < lineWidth; column++) {
      sum.fill(0);
      for (let sy = 0; sy < samplesY; sy++) {
        const across = ((row + (sy + 0.5) / samplesY) / height - 0.5) * box.height;
        for (let sx = 0; sx < samplesX; sx++) {
          const along = ((column + (sx + 0.5) / samplesX) / lineWidth - 0.5) * box.width;
          const x = box.centerX + along * cos - across * sin;
          const y = box.centerY + along * sin + across * cos;
          addBilinear(image, x - 0.5, y - 0.5, sum);
        }
      }
      const at = row * width + column;
      values[at] = sum[2] * scale - 1;
      values[plane + at] = sum[1] * scale - 1;
      values[2 * plane + at] = sum[0] * scale - 1;
    }
  }
  return { values, width, height };
}

function samplesFor(pixelsPerOutput: number): number {
  return Math.min(maxSamplesPerAxis, Math.max(1, Math.ceil(pixelsPerOutput)));
}

/** Adds the colour at a point between pixel centres; (0, 0) is the centre of the first pixel. */
function addBilinear(image: RgbImage, x: number, y: number, sum: [number, number, number]): void {
  const { pixels, width, height } = image;
  const clampedX = Math.min(Math.max(x, 0), width - 1);
  const clampedY = Math.min(Math.max(y, 0), height - 1);
  const left = Math.floor(clampedX);
  const top = Math.floor(clampedY);
  const weightX = clampedX - left;
  const weightY = clampedY - top;
  const right = left + 1 < width ? 3 : 0;
  const below = top + 1 < height ? 3 * width : 0;
  const at = 3 * (top * width + left);
  const topLeft = (1 - weightX) * (1 - weightY);
  const topRight = weightX * (1 - weightY);
  const bottomLeft = (1 - weightX) * weightY;
  const bottomRight = weightX * weightY;
  for (let channel = 0; channel < 3; channel++) {
    const here = at + channel;
    sum[channel]! +=
      topLeft * pixels[here]! +
      topRight * pixels[here + right]! +
      bottomLeft * pixels[here + below]! +
      bottomRight * pixels[here + below + right]!;
  }
}
