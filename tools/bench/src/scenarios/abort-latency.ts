import { request } from 'node:http';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import type { UploadTarget } from '../client/upload.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { FoveaSystem } from '../systems/fovea.js';
import { MODEL } from '../systems/ingest-rig.js';

const phases = ['queued', 'prefill', 'decode'] as const;
type Phase = (typeof phases)[number];

const tokensBefore: Readonly<Record<Phase, number>> = { queued: 0, prefill: 0, decode: 3 };
const DEPARTURES = 100;
const KV_CACHE_TOKENS = 1_000_000;
const names = phases.flatMap((phase) => [`${phase}, stream`, `${phase}, whole`]);

/** A client that can leave. */
function ask(target: UploadTarget, text: string, stream: boolean): () => void {
  const body = JSON.stringify({ model: MODEL, stream, messages: [{ role: 'user', content: text }] });
  const headers = { 'content-type': 'application/json', ...target.headers };
  const sending = request(target.url, { method: 'POST', headers, agent: false });
  sending
    .on('error', () => undefined)
    .on('response', (response) => {
      response.on('error', () => undefined).resume();
    });
  sending.end(body);
  return () => sending.destroy();
}

/** Clients and engine share a process, and so a clock. The engine runs one request; others wait in its queue. */
class Departures {
  #asked = 0;

  constructor(
    private readonly engine: FakeVllm,
    private readonly chat: UploadTarget,
    private readonly signal: AbortSignal,
  ) {}

  /** Milliseconds from each departure until the engine's socket was closed. */
  async measure(phase: Phase, stream: boolean, count: number): Promise<number[]> {
    const unblock = phase === 'queued' ? await this.#block() : async () => undefined;
    const times: number[] = [];
    for (let left = 0; left < count; left += 1) {
      this.signal.throwIfAborted();
      const text = this.#nextText();
      const leave = await this.#reach(phase, text, stream);
      const startedAtMs = performance.now();
      leave();
      await this.engine.waitFor('disconnected', { text });
      times.push(performance.now() - startedAtMs);
      await this.engine.waitFor('aborted', { text });
    }
    await unblock();
    return times;
  }

  /** Takes the only place of the engine until the returned function is called. */
  async #block(): Promise<() => Promise<void>> {
    const text = this.#nextText();
    const leave = await this.#reach('prefill', text, false);
    return async () => {
      leave();
      await this.engine.waitFor('aborted', { text });
    };
  }

  async #reach(phase: Phase, text: string, stream: boolean): Promise<() => void> {
    const hold = { afterTokens: tokensBefore[phase], gate: 'never' };
    this.engine.script({ match: text, behaviour: { hold } });
    const leave = ask(this.chat, text, stream);
    await this.engine.waitFor(phase === 'queued' ? 'queued' : 'held', { text });
    return leave;
  }

  #nextText(): string {
    this.#asked += 1;
    return `request ${this.#asked}.`;
  }
}

/** Closing its socket is the only abort that vLLM knows. */
export const abortLatency: Scenario = {
  name: 'abort-latency',
  what: 'a client leaves: the time until the socket of the engine is closed',
  rounds: 3,
  warmUpRounds: 1,
  units: { p50: 'ms', p99: 'ms', worst: 'ms' },
  targets: names.map((contender) => ({
    what: `p99, ${contender}`,
    contender,
    measure: 'p99',
    atMost: 100,
  })),
  async open(bench: Bench): Promise<readonly Contender[]> {
    const engine = await startFakeVllm({ model: MODEL, maxRunning: 1, kvCacheTokens: KV_CACHE_TOKENS });
    bench.cleanup.add(() => engine.close());
    const system = await FoveaSystem.start(bench);
    await system.startAdapter(MODEL, engine.url, bench);
    const { chat } = await system.startGateway({}, bench);
    const departures = new Departures(engine, chat, bench.signal);
    const count = bench.isQuick ? 3 : DEPARTURES;
    return phases.flatMap((phase) =>
      [true, false].map((stream) => ({
        name: `${phase}, ${stream ? 'stream' : 'whole'}`,
        async measure(): Promise<Sample> {
          const times = await departures.measure(phase, stream, count);
          return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), worst: Math.max(...times) };
        },
      })),
    );
  },
};
