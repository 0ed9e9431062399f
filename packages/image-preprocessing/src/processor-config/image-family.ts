import type { ImageFamily } from '@fovea/schemas/model-package';
import type { ModelSettings } from './model-files.js';

/** `model_type` of `config.json`. */
const byModelType: Readonly<Record<string, ImageFamily>> = {
  qwen2_vl: 'qwen2_vl',
  qwen2_5_vl: 'qwen2_5_vl',
  qwen3_vl: 'qwen3_vl',
  qwen3_vl_moe: 'qwen3_vl',
  idefics3: 'idefics3',
  smolvlm: 'smolvlm',
  llava: 'llava',
  llava_next: 'llava_next',
  internvl_chat: 'internvl',
  internvl: 'internvl',
  gemma3: 'gemma3',
};

const byProcessorClass: Readonly<Record<string, ImageFamily>> = {
  Qwen2VLProcessor: 'qwen2_vl',
  Qwen2_5_VLProcessor: 'qwen2_5_vl',
  Qwen3VLProcessor: 'qwen3_vl',
  Idefics3Processor: 'idefics3',
  SmolVLMProcessor: 'smolvlm',
  LlavaProcessor: 'llava',
  LlavaNextProcessor: 'llava_next',
  InternVLProcessor: 'internvl',
  Gemma3Processor: 'gemma3',
};

/** Without the `Fast` at its end. CLIP's own and other shared ones tell nothing. */
const byImageProcessor: Readonly<Record<string, ImageFamily>> = {
  Qwen2VLImageProcessor: 'qwen2_vl',
  Qwen2_5_VLImageProcessor: 'qwen2_5_vl',
  Qwen3VLImageProcessor: 'qwen3_vl',
  Idefics3ImageProcessor: 'idefics3',
  SmolVLMImageProcessor: 'smolvlm',
  LlavaNextImageProcessor: 'llava_next',
  Gemma3ImageProcessor: 'gemma3',
};

const named = (names: Readonly<Record<string, ImageFamily>>, name: unknown): ImageFamily | undefined =>
  typeof name === 'string' && Object.hasOwn(names, name) ? names[name] : undefined;

/** Tells the family by the model's type, else by the names of its processors. A type that is not known stays unknown. */
export function imageFamilyOf(settings: ModelSettings): ImageFamily | undefined {
  const { modelType, processorClass, imageProcessorType } = settings;
  if (typeof modelType === 'string') return named(byModelType, modelType);
  const plain = typeof imageProcessorType === 'string' ? imageProcessorType.replace(/Fast$/, '') : undefined;
  return named(byProcessorClass, processorClass) ?? named(byImageProcessor, plain);
}
