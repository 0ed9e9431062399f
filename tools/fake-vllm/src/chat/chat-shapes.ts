import { chatLogprobs, promptLogprobs } from '../generation/logprobs.js';
import type { Channel, PlannedCall, PlannedChoice } from '../generation/plan.js';
import {
  type FinishedChoice,
  fingerprintOf,
  type Json,
  type ReplyShapes,
  runningUsage,
  usageOf,
} from '../generation/reply-shapes.js';
import type { Output } from '../generation/run-generation.js';
import type { EngineRun } from '../requests/engine-run.js';
import { tokenText } from '../tokenizer/vocabulary.js';
import type { ChatRequest } from './chat-request.js';

/** How `/v1/chat/completions` writes an answer. */
export class ChatShapes implements ReplyShapes {
  readonly #run: EngineRun<ChatRequest>;
  readonly #calls: ReadonlyMap<number, readonly PlannedCall[]>;
  readonly #reasoningField: string;

  constructor(run: EngineRun<ChatRequest>, choices: readonly PlannedChoice[]) {
    this.#run = run;
    this.#calls = new Map(choices.map(({ index, calls }) => [index, calls]));
    this.#reasoningField = run.behaviour.reasoningField ?? run.engine.settings.dialect.reasoningField;
  }

  opening(): Json[] {
    const { request } = this.#run;
    const indexes = [...this.#calls.keys()];
    const roles = indexes.map((index) => this.#roleChunk(index));
    if (!request.echo || request.continued === '') return roles;
    return [...roles, ...indexes.map((index) => this.#textChunk(index, request.continued))];
  }

  output(output: Output): Json | undefined {
    const { request } = this.#run;
    const { sampling } = request;
    const isHidden = output.channel === 'reasoning' && !request.includeReasoning;
    if (isHidden && output.finish === undefined) return undefined;
    const choice = {
      index: output.index,
      delta: isHidden ? { content: '' } : this.#delta(output),
      logprobs: chatLogprobs(output.tokens, sampling),
      finish_reason: output.finish?.reason ?? null,
      ...(output.finish === undefined ? {} : { stop_reason: output.finish.stopReason }),
      ...this.#ids(sampling.returnTokenIds ? output.tokens.map((token) => token.id) : null),
    };
    const isVeryEnd = output.finish !== undefined && !sampling.includeUsage;
    return this.#chunk([choice], {
      ...(isVeryEnd ? { system_fingerprint: fingerprintOf(this.#run.engine) } : {}),
      ...runningUsage(this.#run, output.completionTokens),
    });
  }

  usage(completionTokens: number): Json {
    const system_fingerprint = fingerprintOf(this.#run.engine);
    return this.#chunk([], { usage: usageOf(this.#run, completionTokens), system_fingerprint });
  }

  whole(choices: readonly FinishedChoice[]): Json {
    const { request, engine } = this.#run;
    const { ids } = request.prompt;
    const total = choices.reduce((sum, choice) => sum + choice.tokens.length, 0);
    const { hasTokenIds } = engine.settings.dialect;
    return {
      ...this.#head('chat.completion'),
      choices: choices.map((choice) => this.#wholeChoice(choice)),
      service_tier: null,
      system_fingerprint: fingerprintOf(engine),
      usage: { prompt_tokens_details: null, ...usageOf(this.#run, total) },
      prompt_logprobs: request.wantsPromptLogprobs ? promptLogprobs(ids, tokenText) : null,
      ...(hasTokenIds
        ? { prompt_token_ids: request.sampling.returnTokenIds ? ids : null, prompt_text: null }
        : {}),
      kv_transfer_params: null,
    };
  }

  #head(object: string): Json {
    const { requestId, createdS, request } = this.#run;
    return { id: `chatcmpl-${requestId}`, object, created: createdS, model: request.model };
  }

  #chunk(choices: readonly Json[], rest: Json): Json {
    return { ...this.#head('chat.completion.chunk'), choices, ...rest };
  }

  /** Old servers lack the key. */
  #ids(ids: readonly number[] | null): Json {
    return this.#run.engine.settings.dialect.hasTokenIds ? { token_ids: ids } : {};
  }

  #roleChunk(index: number): Json {
    const { request, engine } = this.#run;
    const choice = { index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null };
    const ids = {
      prompt_token_ids: request.sampling.returnTokenIds ? request.prompt.ids : null,
      prompt_text: null,
    };
    return this.#chunk([choice], {
      ...(engine.settings.dialect.hasTokenIds ? ids : {}),
      ...runningUsage(this.#run, 0),
    });
  }

  #textChunk(index: number, content: string): Json {
    return this.#chunk(
      [{ index, delta: { content }, logprobs: null, finish_reason: null }],
      runningUsage(this.#run, 0),
    );
  }

  #delta(output: Output): Json {
    const text = output.tokens.map((token) => token.text).join('');
    if (output.channel === 'reasoning') return { [this.#reasoningField]: text };
    if (output.channel === 'content') return { content: text };
    const index = output.call ?? 0;
    const call = this.#calls.get(output.index)?.[index];
    const opening = { id: call?.id, type: 'function' };
    return {
      tool_calls: [
        {
          index,
          ...(output.opensCall ? opening : {}),
          function: { ...(output.opensCall ? { name: call?.name } : {}), arguments: text },
        },
      ],
    };
  }

  #wholeChoice({ index, tokens, finish }: FinishedChoice): Json {
    const { sampling } = this.#run.request;
    return {
      index,
      message: this.#message(index, tokens, finish?.reason === 'length'),
      logprobs: chatLogprobs(tokens, sampling),
      finish_reason: finish?.reason ?? null,
      stop_reason: finish?.stopReason ?? null,
      ...this.#ids(sampling.returnTokenIds ? tokens.map((token) => token.id) : null),
      ...(this.#run.engine.settings.dialect.hasTokenIds ? { routed_experts: null } : {}),
    };
  }

  #message(index: number, tokens: FinishedChoice['tokens'], isCut: boolean): Json {
    const { request } = this.#run;
    const say = (channel: Channel, call?: number): string =>
      tokens
        .filter((token) => token.channel === channel && token.call === call)
        .map((token) => token.text)
        .join('');
    // A call whose arguments were cut off can't be parsed: vLLM then answers without any, and without an error.
    const calls = isCut ? [] : (this.#calls.get(index) ?? []);
    return {
      role: 'assistant',
      content: `${request.echo ? request.continued : ''}${say('content')}`,
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      tool_calls: calls.map(({ id, name }, at) => ({
        id,
        type: 'function',
        function: { name, arguments: say('tool', at) },
      })),
      [this.#reasoningField]: (request.includeReasoning && say('reasoning')) || null,
    };
  }
}
