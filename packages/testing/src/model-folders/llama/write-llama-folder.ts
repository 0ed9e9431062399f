import { decoderGraph } from '../decoder/decoder-graph.js';
import { byteLevelTokenizer } from '../tokenizer/byte-level-tokenizer.js';
import {
  decoderOptions,
  llamaConfig,
  type ModelFolder,
  type ModelFolderOptions,
  runtimeConfig,
  writeFiles,
} from '../write-folder.js';

export interface LlamaFolderOptions extends ModelFolderOptions {
  /** `model_type` (`llama`) and its architecture. */
  readonly modelType?: 'llama' | 'qwen2' | 'mistral';
}

const architectures = {
  llama: 'LlamaForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  mistral: 'MistralForCausalLM',
};

/** ChatML, as SmolLM2 and Qwen2 have it: the content is one string. */
const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

/**
 * Writes a complete text-only model with random weights, in the layout of onnx-community's exports of LlamaForCausalLM:
 * one graph, `onnx/model.onnx`, from token ids to logits.
 */
export async function writeLlamaFolder(
  folder: string,
  options: LlamaFolderOptions = {},
): Promise<ModelFolder> {
  const { modelType = 'llama' } = options;
  const decoder = decoderOptions(options);
  const { sizes } = decoder;
  const tokenizer = byteLevelTokenizer({ specialTokens, vocabularySize: sizes.vocabularySize });
  const eosTokenId = tokenizer.idOf('<|im_end|>');
  const tokens = {
    bos_token_id: tokenizer.idOf('<|im_start|>'),
    eos_token_id: eosTokenId,
    pad_token_id: eosTokenId,
  };
  const json = {
    'config.json': {
      ...llamaConfig(sizes),
      architectures: [architectures[modelType]],
      model_type: modelType,
      ...tokens,
      ...runtimeConfig(decoder),
    },
    'generation_config.json': tokens,
    'tokenizer.json': tokenizer.file,
    'tokenizer_config.json': {
      tokenizer_class: 'GPT2Tokenizer',
      bos_token: '<|im_start|>',
      eos_token: '<|im_end|>',
      pad_token: '<|im_end|>',
      unk_token: '<|endoftext|>',
      add_prefix_space: false,
      clean_up_tokenization_spaces: false,
      model_max_length: sizes.contextTokens,
      chat_template: chatTemplate,
    },
  };
  await writeFiles(folder, json, [decoderGraph(decoder, 'input_ids')], options);
  return { folder, vocabularySize: sizes.vocabularySize, maxModelLen: sizes.contextTokens, eosTokenId };
}
