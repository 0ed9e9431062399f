import { FoveaError } from '@fovea/errors';
import type { ChatModel } from '../models/chat-model.js';
import type { CompletionModel } from '../models/completion-model.js';
import type { EmbeddingModel } from '../models/embedding-model.js';
import type { ServedModel } from '../models/model-family.js';
import type { ModelTokenizer } from '../models/tokenizer/model-tokenizer.js';
import type { TokenizingModel } from '../models/tokenizing-model.js';
import type { TranscriptionModel } from '../models/transcription-model.js';

type Name = string | null | undefined;

const canChat = (model: ServedModel): model is ChatModel => 'start' in model;
const canComplete = (model: ServedModel): model is CompletionModel => 'complete' in model;
const canTokenizeChat = (model: ServedModel): model is TokenizingModel => 'tokenizeChat' in model;
const canEmbed = (model: ServedModel): model is EmbeddingModel => 'embed' in model;
const canTranscribe = (model: ServedModel): model is TranscriptionModel => 'transcribe' in model;

const unknownModel = (name: Name) =>
  new FoveaError('UNKNOWN_MODEL', {
    message: `The model \`${name?.slice(0, 256) ?? ''}\` does not exist.`,
    param: 'model',
  });

/** The loaded models by their served names. The first fit one answers requests that name no model, as vLLM's does. */
export class ServedModels {
  /** Seconds since the epoch; the same for all, since they were loaded together. */
  private readonly createdAtS = Math.floor(Date.now() / 1000);

  /** @param tokenizers by the names of their models; those of models without are not there */
  constructor(
    private readonly models: readonly ServedModel[],
    private readonly tokenizers: ReadonlyMap<string, ModelTokenizer> = new Map(),
  ) {}

  get all(): readonly ServedModel[] {
    return this.models;
  }

  get areHealthy(): boolean {
    return this.models.every((model) => model.isHealthy);
  }

  /** Throws `UNKNOWN_MODEL` and `MISSING_CAPABILITY` in vLLM's words. */
  find(name: Name): ChatModel {
    return this.findFit(name, canChat, 'Chat Completions');
  }

  /** The same for `/v1/completions`. */
  findCompletion(name: Name): CompletionModel {
    return this.findFit(name, canComplete, 'Completions');
  }

  /** The same for `/v1/embeddings`. */
  findEmbedding(name: Name): EmbeddingModel {
    return this.findFit(name, canEmbed, 'Embeddings');
  }

  /** The same for `/v1/audio/transcriptions`. */
  findTranscription(name: Name): TranscriptionModel {
    return this.findFit(name, canTranscribe, 'Transcriptions');
  }

  /** The tokenizer for a route, and its model. */
  findTokenizer(name: Name, api: string): { model: ServedModel; tokenizer: ModelTokenizer } {
    const hasTokenizer = (model: ServedModel): model is ServedModel => this.tokenizers.has(model.id);
    const model = this.findFit(name, hasTokenizer, api);
    return { model, tokenizer: this.tokenizers.get(model.id)! };
  }

  /** The same for the prompt of a chat. */
  findChatTokenizer(name: Name): { model: TokenizingModel; tokenizer: ModelTokenizer } {
    const isFit = (model: ServedModel): model is TokenizingModel =>
      canTokenizeChat(model) && this.tokenizers.has(model.id);
    const model = this.findFit(name, isFit, 'Tokenize Chat');
    return { model, tokenizer: this.tokenizers.get(model.id)! };
  }

  /** The model of that very name, and its tokenizer, if it has one. Throws `UNKNOWN_MODEL`. */
  findNamed(name: string): { model: ServedModel; tokenizer: ModelTokenizer | undefined } {
    const model = this.models.find(({ id }) => id === name);
    if (model === undefined) throw unknownModel(name);
    return { model, tokenizer: this.tokenizers.get(model.id) };
  }

  /** The body of `/v1/models`. */
  toWire() {
    return {
      object: 'list',
      data: this.models.map((model) => ({
        id: model.id,
        object: 'model',
        created: this.createdAtS,
        owned_by: 'vllm',
        root: model.id,
        parent: null,
        max_model_len: model.maxModelLen,
        permission: [],
      })),
    };
  }

  private findFit<Fit extends ServedModel>(
    name: Name,
    isFit: (model: ServedModel) => model is Fit,
    api: string,
  ): Fit {
    const found = name
      ? this.models.find((model) => model.id === name)
      : (this.models.find(isFit) ?? this.models[0]);
    if (found !== undefined && isFit(found)) return found;
    if (found !== undefined) {
      throw new FoveaError('MISSING_CAPABILITY', {
        message: `The model does not support ${api} API.`,
        param: 'model',
      });
    }
    throw unknownModel(name);
  }
}
