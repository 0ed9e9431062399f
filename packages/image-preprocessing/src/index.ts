export { type BrokenText, breakControlTokens } from './control-tokens/break-control-tokens.js';
export type { ExifOrientation, ImageHeader, ImageMediaType, PixelSize } from './header/image-header.js';
export { assertImageWithinLimits, type ImageLimits } from './header/image-limits.js';
export { probeImageHeader } from './header/probe-image-header.js';
export {
  type Idefics3Grid,
  type Idefics3Sizes,
  idefics3Grid,
  idefics3TileCount,
  idefics3TokensPerTile,
  idefics3WrapperTokens,
} from './idefics3/idefics3-grid.js';
export {
  decodeIdefics3Image,
  type Idefics3Image,
  type Idefics3ImageSettings,
  isIdefics3Resample,
  readIdefics3Grid,
} from './idefics3/idefics3-image.js';
export {
  type Idefics3Normalisation,
  idefics3PixelMask,
  idefics3PixelValues,
} from './idefics3/idefics3-pixels.js';
export type { ImageCrop } from './idefics3/image-crop.js';
export { createImageInspector, type ImageFacts, type ImageInspector } from './inspect/image-inspector.js';
export { createImageWorkers, type ImageWorkers } from './normalise/image-workers.js';
export { normaliseImage } from './normalise/normalise-image.js';
export { type PlannedImage, planImage } from './normalise/plan-image.js';
export type { Recipe } from './normalise/recipe.js';
export { type StoredSize, sizeForModel, uprightSize } from './normalise/size-for-model.js';
export {
  countPpOcrTokens,
  type DetectionSize,
  type ImageTensor,
  ppOcrDetectionSize,
  toPpOcrDetectionTensor,
} from './pp-ocr/detection-tensor.js';
export { type LineTensorSize, type RotatedBox, toPpOcrLineTensor } from './pp-ocr/line-tensor.js';
export { decodeRgbImage, type RgbImage, rotateRgbImage } from './pp-ocr/rgb-image.js';
export type { ModelFiles } from './processor-config/model-files.js';
export { publishedProcessor } from './processor-config/published-processors.js';
export { readImageProcessor } from './processor-config/read-image-processor.js';
export { type ImageTokenCount, type ImageTokenRefusal, imageTokens } from './tokens/image-tokens.js';
