/** The JSON files of a model folder that say how its pictures are processed; undefined for one that is not there. */
export interface ModelFiles {
  /** `preprocessor_config.json` */
  readonly preprocessor?: unknown;
  /** `processor_config.json`; newer versions of transformers put the image processor in here. */
  readonly processor?: unknown;
  /** `config.json` */
  readonly model?: unknown;
}

type Json = Readonly<Record<string, unknown>>;

const nothing: Json = {};

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : nothing;
}

/** The files of one folder, read by key. Keys are missing, null or of another type in some version of each file. */
export class ModelSettings {
  readonly image: Json;
  readonly processor: Json;
  readonly model: Json;
  readonly vision: Json;

  constructor(files: ModelFiles) {
    this.processor = asObject(files.processor);
    this.model = asObject(files.model);
    this.vision = asObject(this.model.vision_config);
    const nested = asObject(this.processor.image_processor);
    this.image = { ...nested, ...asObject(files.preprocessor) };
  }

  /** Names by which a family can be told: of the model, of its processor, of its image processor. */
  get modelType(): unknown {
    return this.model.model_type;
  }

  get processorClass(): unknown {
    return this.processor.processor_class ?? this.image.processor_class;
  }

  get imageProcessorType(): unknown {
    return this.image.image_processor_type ?? this.image.feature_extractor_type;
  }
}

/** The first that is there: null stands for absent in these files. */
export function firstOf(...values: readonly unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null);
}

/** A member of an object, or undefined when it is none: `size` is a number in old files. */
export function member(value: unknown, key: string): unknown {
  return asObject(value)[key];
}

/** A side that is written as a number, or as an object with a height or an edge. */
export function edgeOf(value: unknown): unknown {
  if (typeof value === 'number') return value;
  return firstOf(member(value, 'height'), member(value, 'shortest_edge'), member(value, 'longest_edge'));
}

/** Not a number when one of the two is none, which no schema takes. */
export function wholeQuotient(dividend: unknown, divisor: unknown): number {
  return typeof dividend === 'number' && typeof divisor === 'number'
    ? Math.floor(dividend / divisor)
    : Number.NaN;
}
