import { FoveaError } from '@fovea/errors';
import type { Calls } from '../../engine/threads/call-thread.js';
import { SpareThread } from '../../engine/threads/spare-thread.js';
import type { ChatImage, ChatModelPart } from '../chat-model.js';
import type { CompletionItem, CompletionRequest } from '../completion-model.js';
import { assertImageCount, assertTextLength, MAX_WAITING_CALLS } from '../tokenizer/tokenizer-limits.js';
import type { ChatPromptSource } from '../tokenizing-model.js';
import type { ChatPromptRequest } from './chat-prompt.js';
import type { EncodedPrompt, RawItem, RawPromptRequest } from './raw-prompt.js';
import type { PromptCall } from './serve-prompts.js';

export interface PromptLimits {
  readonly maxModelLen: number;
  /** Text of more characters than this times the context cannot fit. */
  readonly longestTokenBytes: number;
  /** Tokens that the smallest image takes; 0 where there are none. */
  readonly leastImageTokens: number;
}

type PromptThread<Request> = Calls<PromptCall<Request>, EncodedPrompt>;

/** The prompt thread of a chat model, and the context that its prompts must fit. */
export class PromptTokens<Request extends ChatPromptRequest> {
  /** For those who ask for tokens alone: they may come with any length, and hold up no request. */
  private readonly spare: SpareThread<PromptCall<Request>, EncodedPrompt>;

  /** @param startSpare starts another thread like `thread` */
  constructor(
    private readonly thread: PromptThread<Request>,
    private readonly limits: PromptLimits,
    startSpare: () => Promise<{ readonly thread: PromptThread<Request> }>,
  ) {
    this.spare = new SpareThread(startSpare, MAX_WAITING_CALLS);
  }

  get isHealthy(): boolean {
    return this.thread.isHealthy;
  }

  async close(): Promise<void> {
    await Promise.all([this.thread.close(), this.spare.close()]);
  }

  /** The messages as a chat template takes them: images are places, no more. */
  toChat(request: ChatPromptSource): ChatPromptRequest {
    const { messages, addGenerationPrompt = true, continueFinalMessage = false } = request;
    const { addSpecialTokens = false, templateVariables } = request;
    return {
      messages: messages.map(({ role, name, content }) => ({
        role,
        ...(name !== undefined && { name }),
        content: content.map((part) => (part.type === 'text' ? part : { type: 'image' as const })),
      })),
      addGenerationPrompt,
      continueFinalMessage,
      addSpecialTokens,
      ...(templateVariables !== undefined && { templateVariables }),
    };
  }

  /**
   * A raw prompt as its thread takes it.
   * @param imageTexts what each image becomes, in their order
   */
  toRaw(request: CompletionRequest, imageTexts: readonly string[]): RawPromptRequest {
    const { items, addSpecialTokens, wantsEcho, promptLogprobs, sampling } = request;
    const images = imageTexts.values();
    const skipSpecialTokens = sampling.skipSpecialTokens ?? true;
    return {
      items: items.map((item): RawItem => {
        if (item.type === 'text') return { text: item.text };
        return item.type === 'image' ? { marked: images.next().value ?? '' } : { ids: item.tokenIds };
      }),
      addSpecialTokens,
      ...((wantsEcho || promptLogprobs !== undefined) && { echo: { skipSpecialTokens } }),
    };
  }

  /** Refuses what cannot fit before any pixel is decoded or any text is tokenised; returns the images. */
  checkSize(parts: readonly (ChatModelPart | CompletionItem)[]): ChatImage[] {
    const { maxModelLen, longestTokenBytes, leastImageTokens } = this.limits;
    const images = parts.flatMap((part) => (part.type === 'image' ? [part.image] : []));
    const given = parts.reduce(
      (sum, part) => sum + (part.type === 'token-ids' ? part.tokenIds.length : 0),
      0,
    );
    const least = given + images.length * leastImageTokens;
    if (least >= maxModelLen) throw this.tooLong(`at least ${least}`);
    const characters = parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
    if (characters > maxModelLen * longestTokenBytes) throw this.tooLong(`more than ${maxModelLen}`);
    return images;
  }

  /** Refuses what is too much even for those who ask for tokens alone; returns the images. */
  checkCount({ messages }: ChatPromptSource): ChatImage[] {
    const parts = messages.flatMap(({ content }) => content);
    const images = parts.flatMap((part) => (part.type === 'image' ? [part.image] : []));
    assertImageCount(images.length, 'messages');
    const lengths = parts.map((part) => (part.type === 'text' ? part.text.length : 0));
    const names = messages.map(({ name }) => name?.length ?? 0);
    const characters = [...lengths, ...names].reduce((sum, length) => sum + length, 0);
    assertTextLength(characters, 'messages');
    return images;
  }

  /** Token ids of a chat, whether it fits the context or not. Throws `QUEUE_FULL` when too many ask. */
  async count(chat: Request, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>> {
    return (await this.spare.call({ chat }, signal)).ids;
  }

  /** Token ids of a prompt. Throws `CONTEXT_LENGTH_EXCEEDED` when there is no room for an answer behind it. */
  async encode(call: PromptCall<Request>, signal: AbortSignal): Promise<EncodedPrompt> {
    const encoded = await this.thread.call(call, signal);
    if (encoded.ids.length >= this.limits.maxModelLen) throw this.tooLong(`${encoded.ids.length}`);
    return encoded;
  }

  /** In vLLM's words: clients and proxies look for them. */
  private tooLong(tokens: string): FoveaError {
    const { maxModelLen } = this.limits;
    return new FoveaError('CONTEXT_LENGTH_EXCEEDED', {
      message:
        `This model's maximum context length is ${maxModelLen} tokens. However, your request has ${tokens} ` +
        'input tokens. Please reduce the length of the input messages. ' +
        `(parameter=input_tokens, value=${tokens})`,
      param: 'input_tokens',
      limit: { name: 'max_model_len', value: maxModelLen },
    });
  }
}
