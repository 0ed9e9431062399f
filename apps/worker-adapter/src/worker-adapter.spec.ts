import { createLogger } from '@fovea/observability';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PoolingRunner } from './batching/run-pooling.js';
import { InterestWatch } from './consumer/interest-watch.js';
import { LaneConsumer } from './consumer/lane-consumer.js';
import { EnginePool } from './engine/engine-pool.js';
import { FakeBackend, hangAfter } from './fakes/fake-backend.js';
import { FakeBlobStore } from './fakes/fake-blob-store.js';
import { createEngine } from './fakes/fake-engine.js';
import { FakeJobQueue } from './fakes/fake-job-queue.js';
import { FakeLease } from './fakes/fake-lease.js';
import { FakeModelRegistry } from './fakes/fake-model-registry.js';
import { FakeQuarantine } from './fakes/fake-quarantine.js';
import { FakeTokenStream } from './fakes/fake-token-stream.js';
import { RecordingTelemetry } from './fakes/recording-telemetry.js';
import { plainRequestPorts } from './fakes/request-ports.js';
import { BlobRoom } from './generation/blob-room.js';
import { GenerationRunner } from './generation/generation-runner.js';
import { buildGeneration } from './generation/request/build-request.js';
import { RunningGenerations } from './generation/running-generations.js';
import { Presence } from './presence/presence.js';
import { TokensRunner } from './tokens/run-tokens.js';
import { WorkerAdapter } from './worker-adapter.js';

const logger = createLogger({ service: 'worker-adapter', level: 'silent' });
const tinyPackage = {
  checkpoint: 'tiny-vlm',
  version: 1,
  tags: [],
  generatorType: 'vllm' as const,
  models: [],
  extensions: [],
  capabilities: { tools: false, structuredOutput: [], reasoning: 'separate' as const, tokenizer: false },
  waitForWorkerS: 0,
  maxModelLen: 4096,
  imageProcessor: null,
};

/** Looks once per event-loop turn; the runner's own timeout ends a condition that never comes. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('WorkerAdapter', () => {
  let backend: FakeBackend;
  let queue: FakeJobQueue;
  let registry: FakeModelRegistry;
  let stream: FakeTokenStream;
  let pool: EnginePool;
  let adapter: WorkerAdapter;
  let isDrained: boolean;
  let redisState: string;

  beforeEach(() => {
    backend = new FakeBackend();
    queue = new FakeJobQueue();
    registry = new FakeModelRegistry();
    stream = new FakeTokenStream();
    pool = new EnginePool([createEngine({ backend, slots: { text: 2 } })]);
    isDrained = false;
    redisState = 'ok';
    const running = new RunningGenerations();
    const runner = new GenerationRunner(
      {
        stream,
        blobs: new FakeBlobStore(),
        quarantine: new FakeQuarantine(),
        blobRoom: new BlobRoom(1),
        tokens: new TokensRunner(new FakeBlobStore(), undefined),
        pooling: new PoolingRunner(new FakeBlobStore(), { waitMs: 0, maxInputs: 8 }),
        buildRequest: (job, model, signal) =>
          buildGeneration(job, model, plainRequestPorts(new FakeBlobStore()), signal),
        servedModel: () => ({ engineModel: 'tiny-vlm', maximumCompletionTokens: null, contextTokens: 8_192 }),
        noteFailure: () => undefined,
        telemetry: new RecordingTelemetry(),
        logger,
      },
      running,
    );
    const lane = { checkpoint: 'tiny-vlm', kind: 'text' } as const;
    adapter = new WorkerAdapter({
      pool,
      presence: new Presence(registry, pool, {
        workerId: 'worker-1',
        describe: () => Promise.resolve(tinyPackage),
        onRegistered: () => adapter.startTaking(),
        onRefused: () => undefined,
        onError: () => undefined,
      }),
      lanes: [
        new LaneConsumer(lane, {
          queue,
          room: pool,
          run: (lease) => runner.run(lease, pool.claim({ requestId: lease.job.id, lane: 'text', tokens: 0 })),
          onQueueError: () => undefined,
        }),
      ],
      interest: new InterestWatch(stream, running, { onError: () => undefined }),
      running,
      redisState: () => redisState,
      logger,
    });
  });

  const drain = async (drainMs: number, force = new AbortController().signal): Promise<void> => {
    await adapter.drain({ drainMs, force });
    isDrained = true;
  };

  afterEach(async () => {
    if (!isDrained) await drain(0);
  });

  const startAndTake = async (): Promise<void> => {
    adapter.start();
    await until(() => queue.consumers[0]?.isParked === true);
  };

  it('takes jobs only when the engine is fit and the package is registered', async () => {
    backend.problem = new Error('still loading weights');
    adapter.start();
    await until(() => backend.probes > 3);
    expect(registry.calls).toEqual([]);
    expect(queue.consumers).toEqual([]);
    backend.problem = undefined;
    await until(() => queue.consumers[0]?.isParked === true);
    expect(registry.calls[0]).toBe('register');
  });

  it('says what readiness waits for', async () => {
    expect(adapter.readiness()).toEqual({
      ready: false,
      checks: { redis: 'ok', engine: 'not healthy', registered: 'not yet' },
    });
    await startAndTake();
    expect(adapter.readiness()).toEqual({
      ready: true,
      checks: { redis: 'ok', engine: 'ok', registered: 'ok' },
    });
    redisState = 'reconnecting';
    expect(adapter.readiness().ready).toBe(false);
  });

  it('on drain is not ready, leaves the registry, takes nothing and finishes what runs', async () => {
    await startAndTake();
    const lease = new FakeLease();
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    backend.script = async function* () {
      await finished;
      yield [{ type: 'generation-end', usage: { promptTokens: 1, completionTokens: 0 } }];
    };
    queue.consumers[0]!.offer(lease);
    await until(() => backend.requests.length === 1);
    expect(pool.engines[0]!.gate.lanes).toEqual([{ lane: 'text', inUse: 1, effective: 2, total: 2 }]);
    const drained = drain(60_000);
    expect(adapter.readiness().ready).toBe(false);
    await until(() => registry.calls.at(-1) === 'withdraw' && queue.consumers[0]!.isStopped);
    expect(lease.settled).toEqual([]);
    finish();
    await drained;
    expect(lease.settled).toEqual(['acknowledged']);
    expect(stream.events(lease.job.id).at(-1)?.type).toBe('generation-end');
    expect(queue.consumers[0]!.isClosed).toBe(true);
    expect(pool.engines[0]!.gate.lanes).toEqual([{ lane: 'text', inUse: 0, effective: 2, total: 2 }]);
  });

  it('on a forced drain hands back what has no output and interrupts what has', async () => {
    await startAndTake();
    const silent = new FakeLease();
    const speaking = new FakeLease();
    let hanging = 0;
    const onHang = (): void => {
      hanging += 1;
    };
    backend.script = (request, signal) =>
      hangAfter(onHang, ...(request.requestId === speaking.job.id ? ['Hel'] : []))(request, signal);
    queue.consumers[0]!.offer(silent);
    await until(() => hanging === 1 && queue.consumers[0]!.isParked);
    queue.consumers[0]!.offer(speaking);
    await until(() => hanging === 2);
    const force = new AbortController();
    const drained = drain(60_000, force.signal);
    force.abort();
    await drained;
    expect(silent.settled).toEqual(['handed back']);
    expect(speaking.settled).toEqual(['acknowledged']);
    expect(stream.events(speaking.job.id).at(-1)).toMatchObject({
      type: 'error',
      code: 'STREAM_INTERRUPTED',
      usage: { completionTokens: 1 },
    });
    expect(backend.aborted).toHaveLength(2);
  });

  it('ends what runs when the time for draining is over', async () => {
    await startAndTake();
    const lease = new FakeLease();
    let isHanging = false;
    backend.script = hangAfter(() => {
      isHanging = true;
    });
    queue.consumers[0]!.offer(lease);
    await until(() => isHanging);
    await drain(1);
    expect(lease.settled).toEqual(['handed back']);
  });

  it('drains before it ever began to take', async () => {
    backend.problem = new Error('still loading weights');
    adapter.start();
    await drain(60_000);
    expect(queue.consumers).toEqual([]);
    expect(registry.calls).toEqual([]);
  });
});
