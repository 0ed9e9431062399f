import { alternatives, logprobOf, promptLogprobs } from '../generation/logprobs.js';
import type { Token } from '../generation/plan.js';
import { toTokens } from '../generation/plan.js';
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
import { splitWords, tokenText } from '../tokenizer/vocabulary.js';
import type { CompletionPrompt, CompletionRequest } from './completion-request.js';

const textOf = (tokens: readonly Token[]): string => tokens.map((token) => token.text).join('');

/** How `/v1/completions` writes an answer: chunks look like the whole, and there is no role. */
export class CompletionShapes implements ReplyShapes {
  readonly #run: EngineRun<CompletionRequest>;
  /** Characters of each choice that were sent so far; `text_offset` goes on from there. */
  readonly #sent = new Map<number, number>();

  constructor(run: EngineRun<CompletionRequest>) {
    this.#run = run;
  }

  opening(): Json[] {
    return [];
  }

  output(output: Output): Json {
    const isFirst = !this.#sent.has(output.index);
    const echoed = isFirst ? this.#echoed(output.index) : [];
    const tokens = [...echoed, ...this.#generated(output.tokens)];
    const from = this.#sent.get(output.index) ?? 0;
    this.#sent.set(output.index, from + textOf(tokens).length);
    const choice = {
      index: output.index,
      text: this.#textOf(tokens, echoed.length),
      logprobs: this.#logprobs(tokens, from, echoed.length),
      finish_reason: output.finish?.reason ?? null,
      stop_reason: output.finish?.stopReason ?? null,
      ...this.#ids(output.tokens, isFirst ? output.index : undefined),
    };
    return { ...this.#head(), choices: [choice], ...runningUsage(this.#run, output.completionTokens) };
  }

  usage(completionTokens: number): Json {
    return { ...this.#head(), choices: [], usage: usageOf(this.#run, completionTokens) };
  }

  whole(choices: readonly FinishedChoice[]): Json {
    const { request, engine } = this.#run;
    const total = choices.reduce((sum, choice) => sum + choice.tokens.length, 0);
    return {
      ...this.#head(),
      choices: choices.map(({ index, tokens, finish }) => {
        const echoed = this.#echoed(index);
        const all = [...echoed, ...this.#generated(tokens)];
        return {
          index,
          text: this.#textOf(all, echoed.length),
          logprobs: this.#logprobs(all, 0, echoed.length),
          finish_reason: finish?.reason ?? null,
          stop_reason: finish?.stopReason ?? null,
          prompt_logprobs: request.wantsPromptLogprobs
            ? promptLogprobs(this.#prompt(index).ids, tokenText)
            : null,
          ...this.#ids(tokens, index),
        };
      }),
      service_tier: null,
      system_fingerprint: fingerprintOf(engine),
      usage: { prompt_tokens_details: null, ...usageOf(this.#run, total) },
      kv_transfer_params: null,
    };
  }

  #head(): Json {
    const { requestId, createdS, request } = this.#run;
    return { id: `cmpl-${requestId}`, object: 'text_completion', created: createdS, model: request.model };
  }

  /** Choices are numbered prompt × n. */
  #prompt(index: number): CompletionPrompt {
    const { prompts, sampling } = this.#run.request;
    return prompts[Math.floor(index / sampling.n)] ?? { text: '', ids: [] };
  }

  #echoed(index: number): Token[] {
    return this.#run.request.echo ? toTokens(splitWords(this.#prompt(index).text)) : [];
  }

  #generated(tokens: readonly Token[]): readonly Token[] {
    return this.#run.request.echoesOnly ? [] : tokens;
  }

  /** Asked for token ids, vLLM leaves the text of the prompt out. */
  #textOf(tokens: readonly Token[], echoed: number): string {
    return textOf(this.#run.request.sampling.returnTokenIds ? tokens.slice(echoed) : tokens);
  }

  /** With `echo` nothing is known about the very first token of the prompt. */
  #logprobs(tokens: readonly Token[], from: number, echoed: number): Json | null {
    const { topLogprobs } = this.#run.request.sampling;
    if (topLogprobs === undefined || tokens.length === 0) return null;
    let at = from;
    const offsets = tokens.map((token) => {
      const offset = at;
      at += token.text.length;
      return offset;
    });
    const isKnown = (position: number): boolean => position > 0 || echoed === 0;
    return {
      text_offset: offsets,
      token_logprobs: tokens.map(({ id }, position) => (isKnown(position) ? logprobOf(id) : null)),
      tokens: tokens.map((token) => token.text),
      top_logprobs: tokens.map((token, position) =>
        isKnown(position)
          ? Object.fromEntries(
              alternatives(token, Math.max(1, topLogprobs)).map(({ text, logprob }) => [text, logprob]),
            )
          : null,
      ),
    };
  }

  #ids(tokens: readonly Token[], promptOf: number | undefined): Json {
    const { engine, request } = this.#run;
    if (!engine.settings.dialect.hasTokenIds) return {};
    if (!request.sampling.returnTokenIds) return { token_ids: null, prompt_token_ids: null };
    return {
      token_ids: tokens.map((token) => token.id),
      prompt_token_ids: promptOf === undefined ? null : this.#prompt(promptOf).ids,
    };
  }
}
