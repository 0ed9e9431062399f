import { FoveaError } from '@fovea/errors';
import { Admission } from '../../engine/admission.js';
import type { Prompt } from '../../engine/generation-request.js';
import { assertInVocabulary, resolveSampling, type SamplingDefaults } from '../../engine/resolve-sampling.js';
import type { Generations } from '../../engine/threads/decoder-thread.js';
import type { MemoryNeed } from '../../memory/memory-need.js';
import type { ChatModelLoad, ChatModelPiece, ChatModelRequest } from '../chat-model.js';
import type { CompletionModel, CompletionRequest, PromptEcho } from '../completion-model.js';
import type { ChatPromptSource, TokenizingModel } from '../tokenizing-model.js';

/** A raw prompt that is ready to run, and what of it is told again, where that was asked for. */
export interface PreparedRaw {
  readonly prompt: Prompt;
  readonly echo?: PromptEcho | undefined;
}

/** What chats and raw prompts have in common once the prompt is ready. */
type Generation = Pick<
  ChatModelRequest,
  'sampling' | 'choices' | 'priority' | 'cacheSalt' | 'answerTokenIds'
> &
  Pick<CompletionRequest, 'promptLogprobs'>;

/**
 * Turns requests into what the decoder takes: the part of a chat model that differs from family to family. It owns the
 * threads it needs for that.
 */
export interface PromptSource {
  readonly multimodal: boolean;
  readonly isHealthy: boolean;
  /** Images of prompts, and those that needed no work, since the start. */
  readonly imageCounts: { readonly queries: number; readonly hits: number };
  /** Throws catalogue errors for what is wrong with the request, `CONTEXT_LENGTH_EXCEEDED` among them. */
  prepare(request: ChatModelRequest, signal: AbortSignal): Promise<Prompt>;
  /** The same for a prompt without template. */
  prepareRaw(request: CompletionRequest, signal: AbortSignal): Promise<PreparedRaw>;
  /** See `TokenizingModel.tokenizeChat`. */
  tokenize(chat: ChatPromptSource, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export interface LanguageModelSettings extends SamplingDefaults {
  readonly id: string;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Tokens whose keys and values can be held at the same time. */
  readonly kvCacheTokens: number;
  /** Prompts may have the ids below it; absent: those that have logits. */
  readonly inputIds?: number;
  /** Told at the start only. */
  readonly memoryNeed?: MemoryNeed;
}

/** A chat model of any family: prompts from its source, answers from a decoder thread. */
export class LanguageModel implements CompletionModel, TokenizingModel {
  private readonly admission: Admission;

  constructor(
    private readonly settings: LanguageModelSettings,
    private readonly prompts: PromptSource,
    private readonly decoder: Generations,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
  }

  get id(): string {
    return this.settings.id;
  }

  get maxModelLen(): number {
    return this.settings.maxModelLen;
  }

  get memoryNeed(): MemoryNeed | undefined {
    return this.settings.memoryNeed;
  }

  get multimodal(): boolean {
    return this.prompts.multimodal;
  }

  get isHealthy(): boolean {
    return this.prompts.isHealthy && this.decoder.isHealthy;
  }

  load(): ChatModelLoad {
    const { running, cachedTokens, ...counts } = this.decoder.load;
    const { queries: imageQueries, hits: imageHits } = this.prompts.imageCounts;
    return {
      running,
      waiting: Math.max(0, this.admission.inFlight - running),
      kvCacheUsage: cachedTokens / this.settings.kvCacheTokens,
      caches: { ...counts, imageQueries, imageHits },
    };
  }

  start(request: ChatModelRequest, signal: AbortSignal): AsyncGenerator<ChatModelPiece, void> {
    const prepare = async () => {
      const prompt = await this.prompts.prepare(request, signal);
      this.assertRunnable(prompt, 'messages');
      return { prompt };
    };
    return this.admitted(request, prepare, signal);
  }

  complete(request: CompletionRequest, signal: AbortSignal): AsyncGenerator<ChatModelPiece, void> {
    const prepare = async () => {
      for (const item of request.items) {
        if (item.type !== 'token-ids') continue;
        assertInVocabulary(item.tokenIds, this.settings.vocabularySize, item.path);
      }
      const prepared = await this.prompts.prepareRaw(request, signal);
      this.assertRunnable(prepared.prompt, 'prompt');
      return prepared;
    };
    return this.admitted(request, prepare, signal);
  }

  tokenizeChat(chat: ChatPromptSource, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>> {
    return this.prompts.tokenize(chat, signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.prompts.close(), this.decoder.close()]);
  }

  /** A tokenizer may have tokens that the graph does not. */
  private assertRunnable({ ids }: Prompt, param: string): void {
    const { vocabularySize, inputIds = vocabularySize } = this.settings;
    assertInVocabulary(ids, inputIds, param);
  }

  private async *admitted(
    request: Generation,
    prepare: () => Promise<PreparedRaw>,
    signal: AbortSignal,
  ): AsyncGenerator<ChatModelPiece, void> {
    if (request.choices > this.settings.maxRunning) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `n must be at most ${this.settings.maxRunning}, got ${request.choices}.`,
        param: 'n',
      });
    }
    const place = this.admission.enter(request.choices);
    try {
      yield* this.generate(request, await prepare(), signal);
    } finally {
      place.release();
    }
  }

  private async *generate(
    request: Generation,
    { prompt, echo: promptEcho }: PreparedRaw,
    signal: AbortSignal,
  ): AsyncGenerator<ChatModelPiece, void> {
    const promptTokens = prompt.ids.length;
    const promptTokenIds = [...prompt.ids];
    const choices = resolveSampling(request.sampling, request.choices, promptTokens, this.settings);
    const { priority, cacheSalt, promptLogprobs, answerTokenIds: answerIds } = request;
    assertInVocabulary(answerIds ?? [], this.settings.vocabularySize, 'answer_token_ids');
    let isFirst = true;
    for await (const piece of this.decoder.generate(
      {
        prompt,
        choices,
        ...(priority !== undefined && { priority }),
        ...(cacheSalt !== undefined && { cacheSalt }),
        ...(promptLogprobs !== undefined && { promptLogprobs }),
        ...(answerIds !== undefined && { answerIds }),
      },
      signal,
    )) {
      const first = isFirst && { promptTokenIds, ...(promptEcho !== undefined && { promptEcho }) };
      yield { ...piece, promptTokens, ...first };
      isFirst = false;
    }
  }
}
