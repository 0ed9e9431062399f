import { EngineGoneError } from '@fovea/backends';
import { type ErrorCode, FoveaError } from '@fovea/errors';
import { createLogger } from '@fovea/observability';
import type { ErrorEvent, GenerationEvent } from '@fovea/schemas/events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PoolingRunner } from '../batching/run-pooling.js';
import type { Engine } from '../engine/engine.js';
import { EnginePool } from '../engine/engine-pool.js';
import { answer, delta, FakeBackend, failAfter, hangAfter } from '../fakes/fake-backend.js';
import { FakeBlobStore } from '../fakes/fake-blob-store.js';
import { createEngine } from '../fakes/fake-engine.js';
import { createJob, FakeLease } from '../fakes/fake-lease.js';
import { FakeQuarantine } from '../fakes/fake-quarantine.js';
import { FakeTokenStream } from '../fakes/fake-token-stream.js';
import { RecordingTelemetry } from '../fakes/recording-telemetry.js';
import { plainRequestPorts } from '../fakes/request-ports.js';
import { TokensRunner } from '../tokens/run-tokens.js';
import { BlobRoom } from './blob-room.js';
import { Generation, type GenerationPorts } from './generation.js';
import { buildGeneration } from './request/build-request.js';

describe('Generation', () => {
  let stream: FakeTokenStream;
  let blobs: FakeBlobStore;
  let backend: FakeBackend;
  let telemetry: RecordingTelemetry;
  let lease: FakeLease;
  let engine: Engine;
  let pool: EnginePool;
  let rechecks: number;
  let failures: string[];
  let blobRoom: BlobRoom;
  let quarantine: FakeQuarantine;

  beforeEach(async () => {
    stream = new FakeTokenStream();
    blobs = new FakeBlobStore();
    backend = new FakeBackend();
    telemetry = new RecordingTelemetry();
    lease = new FakeLease();
    rechecks = 0;
    failures = [];
    blobRoom = new BlobRoom(1_000);
    quarantine = new FakeQuarantine();
    engine = createEngine({ backend, quarantine });
    const recheck = engine.health.recheck.bind(engine.health);
    engine.health.recheck = () => {
      rechecks += 1;
      return recheck();
    };
    pool = new EnginePool([engine]);
    pool.start();
    await pool.untilRoom('text', new AbortController().signal);
  });
  afterEach(() => pool.stop());

  const create = (): Generation => {
    const claim = pool.claim({ requestId: lease.job.id, lane: 'text', tokens: 0 });
    const ports: GenerationPorts = {
      stream,
      blobs,
      blobRoom,
      quarantine,
      tokens: new TokensRunner(blobs, undefined),
      pooling: new PoolingRunner(blobs, { waitMs: 0, maxInputs: 8 }),
      buildRequest: (job, model, signal) => buildGeneration(job, model, plainRequestPorts(blobs), signal),
      servedModel: (_engine, name) =>
        name === 'tiny-vlm'
          ? { engineModel: 'tiny-vlm', maximumCompletionTokens: 100, contextTokens: 8_192 }
          : undefined,
      noteFailure: (_id, { name }) => failures.push(name),
      telemetry,
      logger: createLogger({ service: 'worker-adapter', level: 'silent' }),
    };
    return new Generation(lease, claim, ports);
  };

  const types = (): string[] => stream.events(lease.job.id).map((event) => event.type);
  const last = (): GenerationEvent | undefined => stream.events(lease.job.id).at(-1);
  const expectError = (code: ErrorCode, completionTokens: number): void => {
    const event = last() as ErrorEvent;
    expect(event).toMatchObject({ type: 'error', code });
    expect(event.usage?.completionTokens).toBe(completionTokens);
  };
  const expectReleasedAndAcknowledged = (): void => {
    expect(blobs.released).toEqual([{ owner: lease.job.id, linger: true }]);
    expect(lease.settled).toEqual(['acknowledged']);
  };
  /** Runs until the engine has given these pieces and hangs, does `then`, and waits for the end. */
  const runInto = async (pieces: string[], then: (generation: Generation) => void): Promise<void> => {
    const hung = new Promise<void>((resolve) => {
      backend.script = hangAfter(resolve, ...pieces);
    });
    const generation = create();
    const done = generation.run();
    await hung;
    then(generation);
    await done;
  };

  describe('when all goes well', () => {
    it('writes start, pieces and end, releases the blobs and acknowledges', async () => {
      await create().run();
      expect(types()).toEqual([
        'generation-start',
        'text-delta',
        'text-delta',
        'choice-end',
        'generation-end',
      ]);
      expect(stream.events(lease.job.id)[0]).toEqual({
        type: 'generation-start',
        queueTimeMs: 3,
        attempt: 1,
      });
      expectReleasedAndAcknowledged();
      expect(stream.listeners(lease.job.id)).toBe(0);
    });

    it('reports the times and the usage', async () => {
      await create().run();
      expect(telemetry.names).toEqual(['taken', 'gap', 'finished']);
      expect(telemetry.finished[0]).toMatchObject({
        outcome: 'ok',
        promptTokens: 10,
        completionTokens: 2,
        images: 0,
        ttftS: expect.any(Number),
      });
    });

    it('holds room for the blobs only while it runs', async () => {
      const ref = blobs.add('a', Buffer.alloc(600));
      lease = new FakeLease(createJob({ blobs: [ref] }));
      let held = 0;
      const script = answer('ok');
      backend.script = (request, signal) => {
        held = blobRoom.used;
        return script(request, signal);
      };
      await create().run();
      expect(held).toBe(600);
      expect(blobRoom.used).toBe(0);
    });

    it('acknowledges although the blobs could not be released', async () => {
      blobs.releaseProblem = new Error('EIO');
      await create().run();
      expect(last()?.type).toBe('generation-end');
      expect(lease.settled).toEqual(['acknowledged']);
    });

    it('keeps a complete answer when the client leaves after its end', async () => {
      backend.script = async function* (_request, signal) {
        yield [delta('all', 1), { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 1 } }];
        signal.throwIfAborted();
      };
      stream.beforeAppend = (id) => stream.cancel(id);
      await create().run();
      expect(last()?.type).toBe('generation-end');
      expectReleasedAndAcknowledged();
    });
  });

  describe('before the engine is asked', () => {
    it('runs nothing when the log has its terminal event, and still cleans up', async () => {
      await stream.open(lease.job.id, 'fence-0');
      await stream.append(lease.job.id, 'fence-0', [{ type: 'error', code: 'TIMEOUT', message: 'late' }]);
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expect(types()).toEqual(['error']);
      expectReleasedAndAcknowledged();
    });

    it('ends with STREAM_INTERRUPTED and the usage so far when an earlier attempt had written', async () => {
      await stream.open(lease.job.id, 'fence-0');
      await stream.append(lease.job.id, 'fence-0', [
        { type: 'generation-start', queueTimeMs: 1, attempt: 1 },
        delta('Hel', 4),
      ]);
      lease = new FakeLease(lease.job, 2);
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expect(last()).toEqual({
        type: 'error',
        code: 'STREAM_INTERRUPTED',
        message: expect.any(String),
        usage: { promptTokens: 10, completionTokens: 4 },
      });
      expectReleasedAndAcknowledged();
    });

    it('runs again when an earlier attempt wrote nothing', async () => {
      await stream.open(lease.job.id, 'fence-1');
      lease = new FakeLease(lease.job, 2);
      await create().run();
      expect(stream.events(lease.job.id)[0]).toMatchObject({ type: 'generation-start', attempt: 2 });
      expect(last()?.type).toBe('generation-end');
    });

    it('ends with TIMEOUT when the deadline has passed in the queue', async () => {
      lease = new FakeLease(createJob({ deadlineAtMs: Date.now() - 1 }));
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expectError('TIMEOUT', 0);
      expectReleasedAndAcknowledged();
    });

    it('ends with CANCELLED when nobody waits for it', async () => {
      stream.forgotten.add(lease.job.id);
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expectError('CANCELLED', 0);
      expectReleasedAndAcknowledged();
    });

    it('gives up a job whose workers were lost one by one', async () => {
      lease = new FakeLease(lease.job, 11);
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expectError('BACKEND_ERROR', 0);
      expectReleasedAndAcknowledged();
    });

    it('refuses a model that the package does not offer any more', async () => {
      lease = new FakeLease(createJob({ model: 'old-name' }));
      await create().run();
      expectError('UNKNOWN_MODEL', 0);
      expectReleasedAndAcknowledged();
    });

    it('ends with INTERNAL when a blob is gone', async () => {
      const missing = { name: 'c'.repeat(64), mediaType: 'application/json', byteSize: 3 };
      lease = new FakeLease(
        createJob({ blobs: [missing], task: { kind: 'chat', messages: { blob: 0 }, sampling: {} } }),
      );
      await create().run();
      expectError('INTERNAL', 0);
      expectReleasedAndAcknowledged();
    });

    it('leaves the line for blob room when the client leaves', async () => {
      const ref = blobs.add('a', Buffer.alloc(600));
      lease = new FakeLease(createJob({ blobs: [ref] }));
      const release = await blobRoom.acquire(new AbortController().signal, 1_000);
      const generation = create();
      const acquire = blobRoom.acquire.bind(blobRoom);
      blobRoom.acquire = (signal, weight) => {
        const waiting = acquire(signal, weight);
        void stream.cancel(lease.job.id);
        return waiting;
      };
      await generation.run();
      expectError('CANCELLED', 0);
      expect(blobRoom.used).toBe(1_000);
      release();
    });
  });

  describe('when the engine fails', () => {
    it('hands the job back before any output, after asking whether the engine still lives', async () => {
      backend.script = failAfter(new FoveaError('BACKEND_ERROR', { detail: 'ECONNREFUSED' }));
      await create().run();
      expect(rechecks).toBe(1);
      expect(failures).toEqual(['0']);
      expect(types()).toEqual([]);
      expect(lease.settled).toEqual(['handed back']);
      expect(blobs.released).toEqual([]);
      expect(telemetry.names).toEqual(['taken']);
    });

    it('tells the client when the last attempt fails, too', async () => {
      lease = new FakeLease(lease.job, 3);
      backend.script = failAfter(new FoveaError('BACKEND_ERROR', { detail: 'ECONNREFUSED 10.0.0.7' }));
      await create().run();
      expectError('BACKEND_ERROR', 0);
      expect(JSON.stringify(last())).not.toContain('10.0.0.7');
      expectReleasedAndAcknowledged();
    });

    it('cancels instead of handing back when the client leaves meanwhile', async () => {
      backend.script = failAfter(new FoveaError('BACKEND_ERROR'));
      engine.health.recheck = async () => {
        await stream.cancel(lease.job.id);
        return true;
      };
      await create().run();
      expectError('CANCELLED', 0);
      expectReleasedAndAcknowledged();
    });

    it('tries again within the same attempt when the engine has no room, as often as it takes', async () => {
      lease = new FakeLease(lease.job, 3);
      let refusals = 3;
      const script = answer('at last');
      backend.script = (request, signal) => {
        refusals -= 1;
        return (refusals >= 0 ? failAfter(new FoveaError('QUEUE_FULL')) : script)(request, signal);
      };
      await create().run();
      expect(backend.requests).toHaveLength(4);
      expect(types()).toEqual(['generation-start', 'text-delta', 'choice-end', 'generation-end']);
      expect(telemetry.names.filter((name) => name === 'refused')).toHaveLength(3);
      expectReleasedAndAcknowledged();
    });

    it('waits for room no longer than its deadline', async () => {
      lease = new FakeLease(createJob({ deadlineAtMs: Date.now() + 40 }));
      backend.script = failAfter(new FoveaError('QUEUE_FULL'));
      await create().run();
      expectError('TIMEOUT', 0);
      expectReleasedAndAcknowledged();
      expect(pool.waiting('text')).toBe(0);
    });

    it('hands the job back when the engine that has no room turns out to be gone', async () => {
      backend.script = failAfter(new FoveaError('QUEUE_FULL'));
      const generation = create();
      backend.problem = new Error('gone');
      await generation.run();
      expect(lease.settled).toEqual(['handed back']);
    });

    it('stops waiting for a place when the client leaves', async () => {
      pool.claim({ requestId: 'first', lane: 'text', tokens: 0 });
      const generation = create();
      const running = generation.run();
      generation.stop.stop('cancelled');
      await running;
      expect(backend.requests).toHaveLength(0);
      expectError('CANCELLED', 0);
      expectReleasedAndAcknowledged();
    });

    it('ends with the code and the usage so far after output', async () => {
      backend.script = failAfter(new FoveaError('BACKEND_ERROR'), 'Hel', 'lo');
      await create().run();
      expect(types()).toEqual(['generation-start', 'text-delta', 'text-delta', 'error']);
      expectError('BACKEND_ERROR', 2);
      expectReleasedAndAcknowledged();
      expect(telemetry.finished[0]).toMatchObject({ outcome: 'BACKEND_ERROR', completionTokens: 2 });
    });

    it.each([
      ['CONTEXT_LENGTH_EXCEEDED', { limit: { name: 'max_model_len', value: 4096 } }],
      ['INVALID_IMAGE', { param: 'messages[0].content[1].image_url.url' }],
    ] as const)('passes the refusal %s on as it is, at once and alone', async (code, options) => {
      const refusal = new FoveaError(code, options);
      backend.script = failAfter(refusal);
      await create().run();
      expect(types()).toEqual(['error']);
      expect(last()).toMatchObject({
        code: refusal.code,
        message: refusal.message,
        ...(refusal.param === undefined ? {} : { param: refusal.param }),
        ...(refusal.limit === undefined ? {} : { limit: refusal.limit }),
      });
      expect(rechecks).toBe(0);
      expectReleasedAndAcknowledged();
    });

    it('treats an answer without an end as a failure', async () => {
      backend.script = async function* () {
        yield [delta('half', 1)];
      };
      await create().run();
      expectError('BACKEND_ERROR', 1);
    });

    it('calls anything that is not from the catalogue INTERNAL', async () => {
      backend.script = failAfter(new TypeError('x is not a function'));
      await create().run();
      expectError('INTERNAL', 0);
      expect(JSON.stringify(last())).not.toContain('not a function');
    });
  });

  describe('when it is stopped', () => {
    it('aborts the engine and ends with CANCELLED and the usage so far when the client leaves', async () => {
      await runInto(['Hel', 'lo'], () => void stream.cancel(lease.job.id));
      expect(backend.aborted).toEqual([lease.job.id]);
      expectError('CANCELLED', 2);
      expectReleasedAndAcknowledged();
    });

    it('ends with TIMEOUT and the usage so far when the deadline passes', async () => {
      lease = new FakeLease(createJob({ deadlineAtMs: Date.now() + 40 }));
      await runInto(['Hel'], () => undefined);
      expect(backend.aborted).toEqual([lease.job.id]);
      expectError('TIMEOUT', 1);
      expectReleasedAndAcknowledged();
    });

    it('aborts the engine and touches nothing when the lock is lost', async () => {
      await runInto(['Hel'], () => lease.lose());
      expect(backend.aborted).toEqual([lease.job.id]);
      expect(types()).not.toContain('error');
      expect(lease.settled).toEqual([]);
      expect(blobs.released).toEqual([]);
      expect(telemetry.names.at(-1)).toBe('lost');
    });

    it('does not wait for a write that hangs when the lock is lost', async () => {
      stream.beforeAppend = () => {
        lease.lose();
        return new Promise(() => undefined);
      };
      await create().run();
      expect(telemetry.names.at(-1)).toBe('lost');
      expect(lease.settled).toEqual([]);
    });

    it('goes back to the queue on shutdown when nothing was written', async () => {
      await runInto([], (generation) => generation.stop.stop('shutdown'));
      expect(backend.aborted).toEqual([lease.job.id]);
      expect(types()).toEqual([]);
      expect(lease.settled).toEqual(['handed back']);
    });

    it('ends with STREAM_INTERRUPTED on shutdown when something was written', async () => {
      await runInto(['Hel'], (generation) => generation.stop.stop('shutdown'));
      expectError('STREAM_INTERRUPTED', 1);
      expectReleasedAndAcknowledged();
    });
  });

  describe('when the log says no', () => {
    it('aborts the engine and gives the job back when another attempt has taken the fence', async () => {
      let appends = 0;
      stream.beforeAppend = async (id) => {
        appends += 1;
        if (appends === 2) await stream.open(id, 'fence-of-another');
      };
      backend.script = async function* (_request, signal) {
        yield [delta('one', 1)];
        await new Promise((resolve) => setImmediate(resolve));
        yield [delta('two', 2)];
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      };
      await create().run();
      expect(backend.aborted).toEqual([lease.job.id]);
      expect(types()).toEqual(['generation-start', 'text-delta']);
      expect(lease.settled).toEqual(['handed back']);
      expect(blobs.released).toEqual([]);
    });

    it('acknowledges when somebody else has ended the log', async () => {
      stream.append = () => Promise.resolve({ outcome: 'ended' });
      await create().run();
      expectReleasedAndAcknowledged();
      expect(telemetry.finished).toEqual([]);
    });

    it('ends with INTERNAL once the store takes writes again', async () => {
      let refusals = 1;
      stream.beforeAppend = () => {
        refusals -= 1;
        if (refusals >= 0) throw new Error('OOM command not allowed');
      };
      await create().run();
      expect(types()).toEqual(['error']);
      expectError('INTERNAL', 2);
      expectReleasedAndAcknowledged();
    });

    it('insists on the settlement until it works', async () => {
      let refusals = 1;
      const acknowledge = lease.acknowledge.bind(lease);
      lease.acknowledge = () => {
        refusals -= 1;
        return refusals >= 0 ? Promise.reject(new Error('OOM')) : acknowledge();
      };
      await create().run();
      expectReleasedAndAcknowledged();
    });
  });

  describe('when the process of the engine dies', () => {
    const gone = new FoveaError('BACKEND_ERROR', { cause: new EngineGoneError('nobody listens') });
    const fingerprint = 'f'.repeat(64);
    beforeEach(() => {
      lease = new FakeLease(createJob({ fingerprint }));
    });

    it('suspects the job and hands it back, also after more attempts than an engine that lives gets', async () => {
      lease = new FakeLease(lease.job, 9);
      backend.script = failAfter(gone);
      await create().run();
      expect(quarantine.calls).toEqual([`suspect ${fingerprint}`]);
      expect(lease.settled).toEqual(['handed back']);
      expect(failures).toEqual(['0']);
    });

    it('interrupts an answer that had begun, and suspects it, too: clients send it again', async () => {
      backend.script = failAfter(gone, 'Hel', 'lo');
      await create().run();
      expectError('STREAM_INTERRUPTED', 2);
      expect(quarantine.suspicions.get(fingerprint)).toBe('suspect');
      expectReleasedAndAcknowledged();
    });

    it('ends a suspect that did it again, and forbids to send it once more', async () => {
      quarantine.suspicions.set(fingerprint, 'suspect');
      backend.script = failAfter(gone);
      await create().run();
      expectError('BACKEND_ERROR', 0);
      expect(last()).toMatchObject({ mayRetry: false });
      expect(quarantine.suspicions.get(fingerprint)).toBe('condemned');
      expect(quarantine.trials.size).toBe(0);
      expectReleasedAndAcknowledged();
    });

    it('runs no condemned job', async () => {
      quarantine.suspicions.set(fingerprint, 'condemned');
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expect(last()).toMatchObject({ type: 'error', code: 'BACKEND_ERROR', mayRetry: false });
      expectReleasedAndAcknowledged();
    });

    it.each([
      ['is answered', answer('ok')],
      ['is refused by an engine that lives', failAfter(new FoveaError('CONTEXT_LENGTH_EXCEEDED'))],
    ])('clears a suspect that %s', async (_what, script) => {
      quarantine.suspicions.set(fingerprint, 'suspect');
      backend.script = script;
      await create().run();
      expect(quarantine.calls).toEqual([`clear ${fingerprint}`]);
      expect(quarantine.trials.size).toBe(0);
      expectReleasedAndAcknowledged();
    });

    it.each([
      ['is cancelled', (generation: Generation) => generation.stop.stop('cancelled')],
      ['meets a hang', (generation: Generation) => generation.stop.stop('stalled')],
    ])('keeps the suspicion of one that %s', async (_what, stop) => {
      quarantine.suspicions.set(fingerprint, 'suspect');
      await runInto([], stop);
      expect(quarantine.suspicions.get(fingerprint)).toBe('suspect');
      expect(quarantine.trials.size).toBe(0);
    });

    it('asks nothing of an engine that is gone before a suspect came', async () => {
      quarantine.suspicions.set(fingerprint, 'suspect');
      engine.health.recheck = () => Promise.resolve(false);
      await create().run();
      expect(backend.requests).toHaveLength(0);
      expect(quarantine.suspicions.get(fingerprint)).toBe('suspect');
      expect(lease.settled).toEqual(['handed back']);
      expect(quarantine.trials.size).toBe(0);
    });

    it('waits for a suspect of another worker on the same engine', async () => {
      quarantine.suspicions.set(fingerprint, 'suspect');
      quarantine.trials.set(engine.address, 'another');
      const generation = create();
      const running = generation.run();
      await pool.untilRoom('text', AbortSignal.timeout(50));
      expect(backend.requests).toHaveLength(0);
      quarantine.trials.clear();
      await running;
      expect(last()?.type).toBe('generation-end');
    });

    it('runs as if nothing were known while the quarantine is away', async () => {
      quarantine.problem = new Error('no Redis');
      await create().run();
      expect(last()?.type).toBe('generation-end');
    });
  });

  describe('when the engine hangs', () => {
    const stall = (generation: Generation): void => generation.stop.stop('stalled');

    it('hands back what had no output, and remembers the engine', async () => {
      await runInto([], stall);
      expect(backend.aborted).toEqual([lease.job.id]);
      expect(failures).toEqual(['0']);
      expect(lease.settled).toEqual(['handed back']);
      expect(quarantine.calls).toEqual([]);
    });

    it('interrupts what had some', async () => {
      await runInto(['Hel', 'lo'], stall);
      expectError('STREAM_INTERRUPTED', 2);
    });

    it('tells the client when the last attempt hangs, too', async () => {
      lease = new FakeLease(lease.job, 3);
      await runInto([], stall);
      expectError('BACKEND_ERROR', 0);
    });
  });
});
