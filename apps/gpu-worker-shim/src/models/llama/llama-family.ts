import { CallThread } from '../../engine/threads/call-thread.js';
import type { ChatPromptRequest } from '../language/chat-prompt.js';
import { decoderConfigSchema, readLanguageFolder } from '../language/language-folder.js';
import { LanguageModel } from '../language/language-model.js';
import { PromptTokens } from '../language/prompt-tokens.js';
import type { EncodedPrompt } from '../language/raw-prompt.js';
import type { PromptCall, PromptThreadFacts } from '../language/serve-prompts.js';
import { startDecoder, startTogether } from '../language/start-threads.js';
import { TextPrompts } from '../language/text-prompts.js';
import { toSettings } from '../language/to-settings.js';
import type { ModelFamily } from '../model-family.js';
import { readModelFile } from '../model-folder.js';
import { precisionConfigSchema, requireGraph } from '../model-folder-graphs.js';

const configSchema = decoderConfigSchema.extend({ 'transformers.js_config': precisionConfigSchema });

/**
 * Decoders of text alone in the layout of LlamaForCausalLM's exports: one graph, `onnx/model.onnx`, from token ids to
 * logits. What differs between the types is inside the graph; what this server cannot run is found in the configuration
 * and the graph's inputs, and refused.
 */
export const llamaFamily: ModelFamily = {
  modelTypes: ['llama', 'mistral', 'qwen2', 'qwen3', 'granite', 'olmo2', 'smollm3'],
  async load(source, runtime) {
    const config = await readModelFile(source.folder, 'config.json', configSchema);
    const folder = await readLanguageFolder(source.folder, config);
    const choice = { config: config['transformers.js_config'], preferred: runtime.dtypes };
    const decoderFile = await requireGraph(source.folder, 'model', choice);
    const startPrompts = () =>
      CallThread.start<PromptCall<ChatPromptRequest>, EncodedPrompt, PromptThreadFacts>(
        'models/llama/prompt-entry.js',
        folder,
      );
    const { prompt, decoder } = await startTogether({
      prompt: startPrompts(),
      decoder: startDecoder(folder, { decoderFile }, runtime),
    });
    const settings = toSettings(source.name, folder, decoder, runtime);
    const limits = { ...prompt.facts, maxModelLen: settings.maxModelLen, leastImageTokens: 0 };
    const tokens = new PromptTokens(prompt.thread, limits, startPrompts);
    return new LanguageModel(settings, new TextPrompts(tokens), decoder.thread);
  },
};
