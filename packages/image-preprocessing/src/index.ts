export type { ExifOrientation, ImageHeader, ImageMediaType } from './header/image-header.js';
export { assertImageWithinLimits, type ImageLimits } from './header/image-limits.js';
export { probeImageHeader } from './header/probe-image-header.js';
