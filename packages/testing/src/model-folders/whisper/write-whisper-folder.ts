import { byteLevelTokenizer } from '../tokenizer/byte-level-tokenizer.js';
import { writeFiles } from '../write-folder.js';
import { whisperDecoderGraph } from './whisper-decoder-graph.js';
import { whisperEncoderGraph } from './whisper-encoder-graph.js';
import type { WhisperSizes } from './whisper-sizes.js';

export interface WhisperFolderOptions {
  /** Other weights for another seed (1). */
  readonly seed?: number;
  /** 80, or 128 as in large-v3 (80). */
  readonly melBins?: number;
  /** Knows more than English (true). */
  readonly isMultilingual?: boolean;
  /** More keys of `generation_config.json`. */
  readonly generation?: Readonly<Record<string, unknown>>;
}

export interface WhisperModelFolder {
  readonly folder: string;
  readonly sampleRate: number;
  /** Samples of one window. */
  readonly windowSamples: number;
  readonly maxModelLen: number;
  readonly timestampBegin: number;
  readonly eosTokenId: number;
}

const TEXT_TOKENS = 400;
const SAMPLE_RATE = 16_000;
const HOP = 160;
/** Windows of four seconds keep the tests fast; true ones have thirty. */
const WINDOW_S = 4;
const TARGET_POSITIONS = 100;

const languages = ['en', 'de', 'fr'];
const specialTokens = [
  '<|endoftext|>',
  '<|startoftranscript|>',
  ...languages.map((code) => `<|${code}|>`),
  ...[
    '<|translate|>',
    '<|transcribe|>',
    '<|startoflm|>',
    '<|startofprev|>',
    '<|nospeech|>',
    '<|notimestamps|>',
  ],
];
const times = Array.from({ length: WINDOW_S * 50 + 1 }, (_, at) => `<|${(at / 50).toFixed(2)}|>`);
const added = [...specialTokens, ...times];
const idOf = (token: string): number => TEXT_TOKENS + added.indexOf(token);

/** Text first, then what steers, then times: the order that Whisper's rules rest upon. */
function tokenizer(): object {
  const text = byteLevelTokenizer({ specialTokens: [], vocabularySize: TEXT_TOKENS });
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    ...text.file,
    added_tokens: added.map((content) => ({
      id: idOf(content),
      content,
      ...flags,
      special: specialTokens.includes(content),
    })),
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
  };
}

function generationConfig(isMultilingual: boolean) {
  return {
    bos_token_id: idOf('<|endoftext|>'),
    decoder_start_token_id: idOf('<|startoftranscript|>'),
    eos_token_id: idOf('<|endoftext|>'),
    pad_token_id: idOf('<|endoftext|>'),
    no_timestamps_token_id: idOf('<|notimestamps|>'),
    prev_sot_token_id: idOf('<|startofprev|>'),
    max_initial_timestamp_index: times.length,
    max_length: TARGET_POSITIONS,
    return_timestamps: false,
    suppress_tokens: [1, 2, 7, ...specialTokens.slice(1, -1).map(idOf)],
    begin_suppress_tokens: [220, idOf('<|endoftext|>')],
    is_multilingual: isMultilingual,
    ...(isMultilingual && {
      lang_to_id: Object.fromEntries(languages.map((code) => [`<|${code}|>`, idOf(`<|${code}|>`)])),
      task_to_id: { transcribe: idOf('<|transcribe|>'), translate: idOf('<|translate|>') },
    }),
  };
}

function modelConfig(sizes: WhisperSizes) {
  return {
    architectures: ['WhisperForConditionalGeneration'],
    model_type: 'whisper',
    is_encoder_decoder: true,
    d_model: sizes.hiddenSize,
    encoder_layers: sizes.layers,
    encoder_attention_heads: sizes.heads,
    decoder_layers: sizes.layers,
    decoder_attention_heads: sizes.heads,
    num_mel_bins: sizes.melBins,
    max_source_positions: sizes.frames / 2,
    max_target_positions: sizes.targetPositions,
    vocab_size: sizes.vocabularySize,
    decoder_start_token_id: idOf('<|startoftranscript|>'),
    eos_token_id: idOf('<|endoftext|>'),
    pad_token_id: idOf('<|endoftext|>'),
    'transformers.js_config': { dtype: 'fp32' },
  };
}

/** Writes a complete Whisper model with random weights and windows of four seconds, in onnx-community's layout. */
export async function writeWhisperFolder(
  folder: string,
  options: WhisperFolderOptions = {},
): Promise<WhisperModelFolder> {
  const { seed = 1, melBins = 80, isMultilingual = true } = options;
  const windowSamples = WINDOW_S * SAMPLE_RATE;
  const sizes: WhisperSizes = {
    hiddenSize: 32,
    layers: 2,
    heads: 4,
    intermediateSize: 64,
    melBins,
    frames: windowSamples / HOP,
    targetPositions: TARGET_POSITIONS,
    vocabularySize: TEXT_TOKENS + added.length,
  };
  const json = {
    'config.json': modelConfig(sizes),
    'generation_config.json': { ...generationConfig(isMultilingual), ...options.generation },
    'preprocessor_config.json': {
      feature_extractor_type: 'WhisperFeatureExtractor',
      processor_class: 'WhisperProcessor',
      chunk_length: WINDOW_S,
      feature_size: melBins,
      hop_length: HOP,
      n_fft: 400,
      n_samples: windowSamples,
      nb_max_frames: sizes.frames,
      padding_side: 'right',
      padding_value: 0,
      sampling_rate: SAMPLE_RATE,
    },
    'tokenizer.json': tokenizer(),
    'tokenizer_config.json': { tokenizer_class: 'WhisperTokenizer', clean_up_tokenization_spaces: false },
  };
  await writeFiles(folder, json, [whisperEncoderGraph(sizes, seed), whisperDecoderGraph(sizes, seed)], {});
  return {
    folder,
    sampleRate: SAMPLE_RATE,
    windowSamples,
    maxModelLen: TARGET_POSITIONS,
    timestampBegin: idOf('<|0.00|>'),
    eosTokenId: idOf('<|endoftext|>'),
  };
}
