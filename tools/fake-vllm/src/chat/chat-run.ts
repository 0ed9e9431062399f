import { planAnswer } from '../engine/answer.js';
import type { FakeEngine } from '../engine/fake-engine.js';
import { type Output, runGeneration } from '../engine/generation.js';
import type { Behaviour, Fault } from '../script/behaviour.js';
import type { EventName } from '../script/event-log.js';
import type { ChatRequest } from './chat-request.js';
import type { AnswerHead } from './shapes.js';
import { VllmError } from './vllm-error.js';

/** Thrown where a script wants the connection to drop. */
export class ScriptedCrash extends Error {
  override readonly name = 'ScriptedCrash';
}

/** Silence that only the client's leaving ends. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** One accepted request on its way through the engine. */
export class ChatRun {
  readonly head: AnswerHead;
  readonly reasoningField: string;
  /** Tokens of the first choice the client has been sent. */
  sentTokens = 0;
  /** Of the first choice, once it has ended. */
  finishReason = 'stop';

  constructor(
    readonly engine: FakeEngine,
    readonly request: ChatRequest,
    readonly requestId: string,
    readonly behaviour: Behaviour,
    readonly signal: AbortSignal,
  ) {
    const created = Math.floor(Date.now() / 1000);
    this.head = { id: `chatcmpl-${requestId}`, created, model: engine.limits.model };
    this.reasoningField = behaviour.reasoningField ?? 'reasoning';
  }

  get fault(): Fault | undefined {
    return this.behaviour.fault;
  }

  log(event: EventName, more: { tokens?: number; gate?: string } = {}): void {
    this.engine.events.record({ event, requestId: this.requestId, text: this.request.lastUserText, ...more });
  }

  /** Takes a slot, then yields what each step produced; counts tokens as they are produced. */
  async *outputs(): AsyncGenerator<readonly Output[]> {
    const { engine, behaviour, request, signal } = this;
    const hasToWait = engine.slots.isFull;
    const taking = engine.slots.take(signal);
    if (hasToWait) this.log('queued');
    const free = await taking;
    this.log('running');
    try {
      engine.tally.add('promptTokens', request.promptTokens);
      const pace = {
        ttftMs: behaviour.ttftMs ?? engine.ttftMs,
        interTokenMs: behaviour.interTokenMs ?? engine.interTokenMs,
        tokensPerDelta: behaviour.tokensPerDelta ?? 1,
        finishWithText: behaviour.finishWithText,
      };
      const checkpoints = { positions: this.#positions(), reach: (at: number) => this.#reach(at) };
      const steps = runGeneration(planAnswer(request, behaviour), pace, checkpoints, signal);
      for await (const step of steps) {
        engine.tally.add(
          'generationTokens',
          step.reduce((sum, output) => sum + output.tokens.length, 0),
        );
        this.finishReason = step.find(({ index }) => index === 0)?.finish?.reason ?? this.finishReason;
        yield step;
      }
    } finally {
      free();
    }
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
    if (fault.kind === 'crash') throw new ScriptedCrash();
    if (fault.kind === 'late-error') throw new VllmError(500, fault.message ?? 'Internal server error');
    await hang(this.signal);
  }
}
