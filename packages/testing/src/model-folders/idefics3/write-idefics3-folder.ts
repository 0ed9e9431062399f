import { decoderGraph, embedTokensGraph } from '../decoder/decoder-graph.js';
import { byteLevelTokenizer } from '../tokenizer/byte-level-tokenizer.js';
import { tinyVision, tokensPerTile, type VisionSizes, visionGraph } from '../vision/vision-graph.js';
import {
  decoderOptions,
  llamaConfig,
  type ModelFolder,
  type ModelFolderOptions,
  runtimeConfig,
  writeFiles,
} from '../write-folder.js';

export type { DecoderSizes } from '../decoder/decoder-sizes.js';

export interface Idefics3FolderOptions extends ModelFolderOptions {
  readonly vision?: VisionSizes;
  /** `model_type` (`idefics3`). */
  readonly modelType?: 'idefics3' | 'smolvlm';
  /** `do_image_splitting` (true). */
  readonly doImageSplitting?: boolean;
  /** Most tiles along a side of a split image (4). */
  readonly tilesPerSide?: number;
}

export interface Idefics3ModelFolder extends ModelFolder {
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
}

/** SmolVLM's. */
const chatTemplate =
  "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}" +
  "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}" +
  "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}" +
  "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}" +
  "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

const IMAGE_TOKEN = '<image>';
const END_TOKEN = '<end_of_utterance>';

function specialTokens(tilesPerSide: number): string[] {
  const sides = Array.from({ length: tilesPerSide }, (_, at) => at + 1);
  const tiles = sides.flatMap((row) => sides.map((column) => `<row_${row}_col_${column}>`));
  const others = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', END_TOKEN, IMAGE_TOKEN];
  return [...others, '<fake_token_around_image>', '<global-img>', ...tiles];
}

function tokenizerConfig(contextTokens: number) {
  return {
    tokenizer_class: 'GPT2Tokenizer',
    processor_class: 'Idefics3Processor',
    bos_token: '<|im_start|>',
    eos_token: END_TOKEN,
    pad_token: '<|im_end|>',
    unk_token: '<|endoftext|>',
    padding_side: 'left',
    add_bos_token: false,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    model_max_length: contextTokens,
    chat_template: chatTemplate,
  };
}

function preprocessorConfig({ tileEdge }: VisionSizes, doImageSplitting: boolean, tilesPerSide: number) {
  return {
    image_processor_type: 'Idefics3ImageProcessor',
    processor_class: 'Idefics3Processor',
    do_convert_rgb: true,
    do_resize: true,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
    do_pad: true,
    do_image_splitting: doImageSplitting,
    max_image_size: { longest_edge: tileEdge },
    resample: 1,
    size: { longest_edge: tileEdge * tilesPerSide },
  };
}

/**
 * Writes a complete Idefics3 (SmolVLM) model with random weights, in the layout of onnx-community's exports. The folder is
 * made; what is in it stays, so that a second precision can be written beside the first.
 */
export async function writeIdefics3Folder(
  folder: string,
  options: Idefics3FolderOptions = {},
): Promise<Idefics3ModelFolder> {
  const { vision = tinyVision, modelType = 'idefics3', doImageSplitting = true, tilesPerSide = 4 } = options;
  const decoder = decoderOptions(options);
  const { sizes } = decoder;
  const tokenizer = byteLevelTokenizer({
    specialTokens: specialTokens(tilesPerSide),
    vocabularySize: sizes.vocabularySize,
  });
  const imageTokenId = tokenizer.idOf(IMAGE_TOKEN);
  const eosTokenId = tokenizer.idOf(END_TOKEN);
  const padTokenId = tokenizer.idOf('<|im_end|>');
  const edges = {
    max_image_size: { longest_edge: vision.tileEdge },
    size: { longest_edge: vision.tileEdge },
  };
  const json = {
    'config.json': {
      architectures: ['Idefics3ForConditionalGeneration'],
      model_type: modelType,
      image_token_id: imageTokenId,
      scale_factor: vision.scale,
      vocab_size: sizes.vocabularySize,
      pad_token_id: padTokenId,
      text_config: llamaConfig(sizes),
      vision_config: {
        model_type: 'idefics3_vision',
        hidden_size: vision.hiddenSize,
        image_size: vision.tileEdge,
        patch_size: vision.patchEdge,
        num_hidden_layers: vision.layers,
        num_attention_heads: vision.heads,
        intermediate_size: vision.intermediateSize,
        ...edges,
      },
      ...runtimeConfig(decoder),
    },
    'generation_config.json': {
      bos_token_id: tokenizer.idOf('<|im_start|>'),
      eos_token_id: eosTokenId,
      pad_token_id: padTokenId,
    },
    'preprocessor_config.json': preprocessorConfig(vision, doImageSplitting, tilesPerSide),
    'processor_config.json': { processor_class: 'Idefics3Processor', image_seq_len: tokensPerTile(vision) },
    'tokenizer.json': tokenizer.file,
    'tokenizer_config.json': tokenizerConfig(sizes.contextTokens),
  };
  const graphs = [
    visionGraph(vision, sizes.hiddenSize, decoder.seed, decoder.dtype),
    embedTokensGraph(decoder),
    decoderGraph(decoder, 'inputs_embeds'),
  ];
  await writeFiles(folder, json, graphs, options);
  return {
    folder,
    vocabularySize: sizes.vocabularySize,
    maxModelLen: sizes.contextTokens,
    eosTokenId,
    imageTokenId,
    tokensPerTile: tokensPerTile(vision),
  };
}
