import type { Prompt } from '../../engine/generation-request.js';
import type { ChatModelRequest } from '../chat-model.js';
import type { CompletionRequest } from '../completion-model.js';
import type { ChatPromptSource } from '../tokenizing-model.js';
import type { ChatPromptRequest } from './chat-prompt.js';
import type { PreparedRaw, PromptSource } from './language-model.js';
import type { PromptTokens } from './prompt-tokens.js';

/** No token of the vocabulary. */
const NO_TOKEN = -1;

function toPrompt(ids: Int32Array): Prompt {
  return { ids, imageTokenId: NO_TOKEN, features: new Float32Array(), images: [] };
}

/** Prompts of a model without eyes: the chat template's tokens are all there is. */
export class TextPrompts implements PromptSource {
  readonly multimodal = false;
  readonly imageCounts = { queries: 0, hits: 0 };

  constructor(private readonly tokens: PromptTokens<ChatPromptRequest>) {}

  get isHealthy(): boolean {
    return this.tokens.isHealthy;
  }

  async prepare(request: ChatModelRequest, signal: AbortSignal): Promise<Prompt> {
    this.tokens.checkSize(request.messages.flatMap(({ content }) => content));
    const { ids } = await this.tokens.encode({ chat: this.tokens.toChat(request) }, signal);
    return toPrompt(ids);
  }

  async prepareRaw(request: CompletionRequest, signal: AbortSignal): Promise<PreparedRaw> {
    this.tokens.checkSize(request.items);
    const { ids, echo } = await this.tokens.encode({ raw: this.tokens.toRaw(request, []) }, signal);
    return { prompt: toPrompt(ids), echo };
  }

  async tokenize(chat: ChatPromptSource, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>> {
    this.tokens.checkCount(chat);
    return this.tokens.count(this.tokens.toChat(chat), signal);
  }

  close(): Promise<void> {
    return this.tokens.close();
  }
}
