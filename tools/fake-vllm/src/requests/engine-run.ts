import type { FakeEngine } from '../engine/fake-engine.js';
import type { PlannedChoice } from '../generation/plan.js';
import { type Checkpoints, type Output, type Pace, runGeneration } from '../generation/run-generation.js';
import { VllmError } from '../http/vllm-error.js';
import type { EngineMetrics } from '../metrics/engine-metrics.js';
import type { Behaviour, Fault } from '../script/behaviour.js';
import { hang } from './abortable.js';
import type { AcceptedRequest } from './accepted-request.js';
import type { Admission } from './admission.js';
import { RunTimes } from './run-times.js';
import { ScriptedFault } from './scripted-fault.js';

/** One accepted request on its way through the engine. */
export class EngineRun<R extends AcceptedRequest = AcceptedRequest> {
  readonly engine: FakeEngine;
  readonly requestId: string;
  readonly behaviour: Behaviour;
  readonly signal: AbortSignal;
  readonly createdS = Math.floor(Date.now() / 1000);
  /** Tokens of the first choice the client has been sent. */
  sentTokens = 0;
  /** Of the first choice, once it has ended. */
  finishReason = 'stop';
  /** The part of the request's record that is known only once it runs. */
  readonly seen = { cachedTokens: 0 };
  /** Tokens it holds in the KV cache; 0 unless it runs. */
  heldTokens = 0;
  readonly #admission: Admission;
  #isPromptCounted = false;
  readonly #times: RunTimes;
  readonly #metrics: EngineMetrics;

  constructor(
    admission: Admission,
    readonly request: R,
  ) {
    this.#admission = admission;
    this.engine = admission.engine;
    this.requestId = admission.requestId;
    this.behaviour = admission.behaviour;
    this.signal = admission.signal;
    this.#metrics = this.engine.process.metrics;
    this.#times = new RunTimes(this.#metrics, admission.arrivedAtMs);
  }

  get fault(): Fault | undefined {
    return this.behaviour.fault;
  }

  /** Prompt tokens the prefix cache had. */
  get cachedTokens(): number {
    return this.seen.cachedTokens;
  }

  get promptTokens(): number {
    return this.request.prompt.ids.length;
  }

  log: Admission['log'] = (event, more) => this.#admission.log(event, more);

  /** Counts how it ended, in the metrics of the process that ran it. */
  finish(reason: string): void {
    this.engine.tally.finish(reason);
    this.#metrics.finish(reason);
    this.#times.end(reason);
  }

  /** Waits for a slot and looks the prompt up in the prefix cache; returns the function that frees the slot. */
  async enter(): Promise<() => void> {
    const { engine, request } = this;
    const { slots, prefixCache, pulse } = engine.process;
    const hasToWait = slots.isFull;
    const taking = slots.take(this.signal);
    if (hasToWait) this.log('queued');
    const free = await taking;
    this.#times.scheduled();
    this.seen.cachedTokens = prefixCache.admit(request.prompt, request.model, request.cacheSalt);
    // A hung scheduler gives nobody a block.
    if (!pulse.isHung) this.heldTokens = this.promptTokens;
    engine.tally.add('promptTokens', this.promptTokens);
    this.#metrics.add('prefix_cache_queries', this.promptTokens);
    this.#metrics.add('prefix_cache_hits', this.cachedTokens);
    this.log('running');
    return () => {
      this.heldTokens = 0;
      free();
    };
  }

  /** Takes a slot, then yields what each step produced; counts tokens as they are produced. */
  async *outputs(choices: readonly PlannedChoice[]): AsyncGenerator<readonly Output[]> {
    const free = await this.enter();
    try {
      for await (const step of runGeneration(choices, this.#pace(), this.#checkpoints(), this.signal)) {
        this.#countPrompt();
        this.#count(step.reduce((sum, output) => sum + output.tokens.length, 0));
        this.finishReason = step.find(({ index }) => index === 0)?.finish?.reason ?? this.finishReason;
        yield step;
      }
    } finally {
      free();
    }
  }

  /** One step that makes no tokens: embedding, scoring. Faults without a position happen before it. */
  async pool(): Promise<void> {
    const free = await this.enter();
    try {
      const nothing = { index: 0, tokens: [], calls: [], finishReason: 'stop', stopReason: null };
      for await (const _ of runGeneration([nothing], this.#pace(), this.#checkpoints(), this.signal));
      this.#countPrompt();
    } finally {
      free();
    }
  }

  /** As vLLM does, when the first step behind the prompt is done; until then a prefill moves no counter. */
  #countPrompt(): void {
    if (this.#isPromptCounted) return;
    this.#isPromptCounted = true;
    this.heldTokens = Math.max(this.heldTokens, this.promptTokens);
    this.#metrics.add('vllm:prompt_tokens', this.promptTokens);
    this.#metrics.add('vllm:prompt_tokens_cached', this.cachedTokens);
  }

  #count(tokens: number): void {
    if (tokens === 0) return;
    this.heldTokens += tokens;
    this.engine.tally.add('generationTokens', tokens);
    this.#metrics.add('vllm:generation_tokens', tokens);
    this.#metrics.observe('vllm:iteration_tokens_total', tokens);
    this.#times.produced(tokens);
  }

  #pace(): Pace {
    const { behaviour, engine } = this;
    const { ttftMs, prefillMsPerToken, interTokenMs, timeFactorUnderLoad, maxRunning } = engine.settings;
    const { slots } = engine.process;
    const uncached = this.promptTokens - this.cachedTokens;
    return {
      firstTokenMs: behaviour.ttftMs ?? ttftMs + prefillMsPerToken * uncached,
      nextTokenMs: () => {
        const share = maxRunning > 1 ? (slots.running - 1) / (maxRunning - 1) : 0;
        return behaviour.interTokenMs ?? interTokenMs * (1 + (timeFactorUnderLoad - 1) * share);
      },
      tokensPerDelta: behaviour.tokensPerDelta ?? 1,
      finishWithText: behaviour.finishWithText,
      emptyDeltaAfter: behaviour.emptyDeltaAfter,
    };
  }

  #checkpoints(): Checkpoints {
    const { pulse } = this.engine.process;
    return {
      positions: this.#positions(),
      reach: (at) => this.#reach(at),
      beat: () => pulse.beat(this.signal),
    };
  }

  #positions(): number[] {
    const positions: number[] = [];
    if (this.behaviour.hold !== undefined) positions.push(this.behaviour.hold.afterTokens);
    const { fault } = this;
    if (fault !== undefined && 'afterTokens' in fault && fault.afterTokens !== undefined) {
      positions.push(fault.afterTokens);
    }
    return positions;
  }

  async #reach(position: number): Promise<void> {
    this.sentTokens = position;
    const { hold } = this.behaviour;
    if (hold?.afterTokens === position) {
      this.log('held', { tokens: position, gate: hold.gate });
      await this.engine.gates.pass(hold.gate, this.signal);
    }
    const { fault } = this;
    if (fault === undefined || !('afterTokens' in fault) || fault.afterTokens !== position) return;
    if (fault.kind === 'late-error') throw new VllmError(500, fault.message ?? 'Internal server error');
    if (fault.kind === 'hang') await hang(this.signal);
    throw new ScriptedFault(fault);
  }
}
