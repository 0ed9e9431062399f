import { FoveaError } from '@fovea/errors';
import type { Calls } from '../../engine/threads/call-thread.js';
import type { ChatImage, ChatModelRequest } from '../chat-model.js';
import type { ChatPromptRequest } from './chat-prompt.js';

export interface PromptLimits {
  readonly maxModelLen: number;
  /** Text of more characters than this times the context cannot fit. */
  readonly longestTokenBytes: number;
  /** Tokens that the smallest image takes; 0 where there are none. */
  readonly leastImageTokens: number;
}

/** The prompt thread of a chat model, and the context that its prompts must fit. */
export class PromptTokens<Request extends ChatPromptRequest> {
  constructor(
    private readonly thread: Calls<Request, Int32Array<ArrayBuffer>>,
    private readonly limits: PromptLimits,
  ) {}

  get isHealthy(): boolean {
    return this.thread.isHealthy;
  }

  close(): Promise<void> {
    return this.thread.close();
  }

  /** The messages as a chat template takes them: images are places, no more. */
  toChat(request: ChatModelRequest): ChatPromptRequest {
    const { messages, addGenerationPrompt = true, continueFinalMessage = false } = request;
    return {
      messages: messages.map(({ role, name, content }) => ({
        role,
        ...(name !== undefined && { name }),
        content: content.map((part) => (part.type === 'text' ? part : { type: 'image' as const })),
      })),
      addGenerationPrompt,
      continueFinalMessage,
    };
  }

  /** Refuses what cannot fit before any pixel is decoded or any text is tokenised; returns the images. */
  checkSize({ messages }: ChatModelRequest): ChatImage[] {
    const { maxModelLen, longestTokenBytes, leastImageTokens } = this.limits;
    const parts = messages.flatMap((message) => message.content);
    const images = parts.flatMap((part) => (part.type === 'image' ? [part.image] : []));
    const imageTokens = images.length * leastImageTokens;
    if (imageTokens >= maxModelLen) throw this.tooLong(`at least ${imageTokens}`);
    const characters = parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
    if (characters > maxModelLen * longestTokenBytes) throw this.tooLong(`more than ${maxModelLen}`);
    return images;
  }

  /** Token ids of a prompt. Throws `CONTEXT_LENGTH_EXCEEDED` when there is no room for an answer behind it. */
  async encode(request: Request, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>> {
    const ids = await this.thread.call(request, signal);
    if (ids.length >= this.limits.maxModelLen) throw this.tooLong(`${ids.length}`);
    return ids;
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
