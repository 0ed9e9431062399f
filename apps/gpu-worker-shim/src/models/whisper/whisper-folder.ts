import { z } from 'zod';
import { readModelFile } from '../model-folder.js';
import { precisionConfigSchema, requireGraph } from '../model-folder-graphs.js';
import type { WhisperTokens } from './decoding/whisper-tokens.js';
import type { LogMelSettings } from './features/log-mel.js';

const size = z.number().int().positive();
const id = z.number().int().nonnegative();

const configSchema = z.looseObject({
  num_mel_bins: size,
  max_target_positions: size,
  max_source_positions: size.optional(),
  'transformers.js_config': precisionConfigSchema,
});

const generationSchema = z.looseObject({
  decoder_start_token_id: id,
  eos_token_id: z.union([id, z.array(id).min(1)]),
  no_timestamps_token_id: id,
  prev_sot_token_id: id.nullish(),
  is_multilingual: z.boolean().nullish(),
  lang_to_id: z.record(z.string().regex(/^<\|[a-z]+\|>$/), id).nullish(),
  task_to_id: z.looseObject({ transcribe: id }).nullish(),
  suppress_tokens: z.array(z.number().int()).nullish(),
  begin_suppress_tokens: z.array(id).nullish(),
  max_initial_timestamp_index: id.nullish(),
});

const preprocessorSchema = z.looseObject({
  feature_extractor_type: z.literal('WhisperFeatureExtractor'),
  feature_size: size,
  sampling_rate: size,
  hop_length: size,
  n_fft: size.multipleOf(2),
  n_samples: size.optional(),
  chunk_length: size.optional(),
});

/** Everything that a Whisper folder says, and where its graphs are. */
export interface WhisperFolder {
  /** Tokens of prompt and text of one window. */
  readonly maxModelLen: number;
  readonly tokens: WhisperTokens;
  readonly features: LogMelSettings;
  readonly encoderFile: string;
  readonly decoderFile: string;
}

function tokensOf(generation: z.infer<typeof generationSchema>, file: string): WhisperTokens {
  const { lang_to_id: languages, task_to_id: tasks } = generation;
  if (generation.is_multilingual === true && (languages == null || tasks == null)) {
    throw new Error(`${file}: is_multilingual without lang_to_id and task_to_id`);
  }
  const codes = Object.entries(languages ?? {}).map(([token, value]) => [token.slice(2, -2), value] as const);
  return {
    start: generation.decoder_start_token_id,
    end: [generation.eos_token_id].flat()[0] ?? 0,
    noTimestamps: generation.no_timestamps_token_id,
    startOfPrevious: generation.prev_sot_token_id ?? undefined,
    languages: new Map(generation.is_multilingual === true ? codes : []),
    transcribe: generation.is_multilingual === true ? tasks?.transcribe : undefined,
    // A list of -1 means none.
    suppressed: (generation.suppress_tokens ?? []).filter((token) => token >= 0),
    suppressedFirst: generation.begin_suppress_tokens ?? [],
    maxInitialTimestamp: generation.max_initial_timestamp_index ?? undefined,
  };
}

/** Samples of one window: 30 s in all that OpenAI has made, but it is for the folder to say. */
function windowOf(extractor: z.infer<typeof preprocessorSchema>, file: string): number {
  const { n_samples: samples, chunk_length: seconds, sampling_rate: rate } = extractor;
  if (samples !== undefined) return samples;
  if (seconds !== undefined) return seconds * rate;
  throw new Error(`${file}: neither n_samples nor chunk_length`);
}

/**
 * Reads a folder. Throws an `Error` that names the file and what is missing, wrong or not supported.
 *
 * @param dtypes precisions to prefer, see `requireGraph`
 */
export async function readWhisperFolder(folder: string, dtypes: readonly string[]): Promise<WhisperFolder> {
  const config = await readModelFile(folder, 'config.json', configSchema);
  const generation = await readModelFile(folder, 'generation_config.json', generationSchema);
  const extractor = await readModelFile(folder, 'preprocessor_config.json', preprocessorSchema);
  if (extractor.feature_size !== config.num_mel_bins) {
    throw new Error(
      `${folder}/preprocessor_config.json: feature_size is ${extractor.feature_size}, num_mel_bins of config.json ${config.num_mel_bins}`,
    );
  }
  const windowSamples = windowOf(extractor, `${folder}/preprocessor_config.json`);
  const places = config.max_source_positions;
  // Two convolutions stand before the encoder; the second has a stride of two.
  if (places !== undefined && Math.floor(windowSamples / extractor.hop_length) !== 2 * places) {
    throw new Error(
      `${folder}/preprocessor_config.json: windows of ${windowSamples} samples do not go with max_source_positions of config.json, ${places}`,
    );
  }
  const choice = { config: config['transformers.js_config'], preferred: dtypes };
  return {
    maxModelLen: config.max_target_positions,
    tokens: tokensOf(generation, `${folder}/generation_config.json`),
    features: {
      sampleRate: extractor.sampling_rate,
      frameSize: extractor.n_fft,
      hop: extractor.hop_length,
      windowSamples,
      melBins: extractor.feature_size,
    },
    encoderFile: await requireGraph(folder, 'encoder_model', choice),
    decoderFile: await requireGraph(folder, 'decoder_model_merged', choice),
  };
}
