import { readdir } from 'node:fs/promises';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { Metrics } from '../../support/metrics.js';
import type { Part } from '../../support/part.js';
import { dataUrl, imagePart, plainPicture } from '../../support/pictures.js';
import { type ChunkView, readStream } from '../../support/sse-reader.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';
import { workerToml } from '../../support/workers.js';
import { ANSWER, type FaultCase, faultCases } from './faults.js';

/** By hand with FOVEA_FAULTY_REQUESTS=2000; each case in both forms here. */
const REQUESTS = Number(process.env.FOVEA_FAULTY_REQUESTS ?? 2 * faultCases.length);
/**
 * Clients that send what fails in the engine, each with something good in between. The circuit breaker opens at five
 * different failures without a success, so fewer clients than that never open it.
 */
const FAILING = 4;
const OTHERS = 28;
const AT_ONCE = FAILING + OTHERS;
/** Sockets that stay open for a while on both sides. */
const KEPT_ALIVE = 40;

const well = { model: 'vlm', messages: [{ role: 'user', content: 'hello' }] };

function caseOf(index: number): FaultCase {
  const chosen = faultCases[index % faultCases.length];
  if (chosen === undefined) throw new RangeError('no cases');
  return chosen;
}

/** Whether an attempt counts against the engine. */
function failsInEngine({ times, behaviour, expected }: FaultCase): boolean {
  const isBusy = behaviour.fault?.kind === 'status' && behaviour.fault.status === 503;
  const isFailure =
    expected.kind === 'broken-off' || (expected.kind === 'refused' && expected.status === 502);
  return isFailure || (times !== undefined && !isBusy);
}

interface Told {
  readonly status: number;
  readonly code?: string | undefined;
  readonly text: string;
  /** The answer came to the end that its form has: `[DONE]`, or a whole JSON. */
  readonly isComplete: boolean;
}

interface WireAnswer {
  readonly error?: { readonly code?: string };
  readonly choices?: readonly { readonly message: { readonly content: string } }[];
}

async function readTold(response: Response, stream: boolean): Promise<Told> {
  const { status } = response;
  if (!stream || status !== 200) {
    const { error, choices } = (await response.json()) as WireAnswer;
    const text = choices?.[0]?.message.content ?? '';
    return { status, code: error?.code, text, isComplete: choices !== undefined };
  }
  const { chunks, text, done, broken } = await readStream(response);
  const codes = chunks.flatMap(({ error }: ChunkView) => error?.code ?? []);
  // A stream that fails ends without a proper end of its body, behind the one event that says why.
  if (codes.length !== (broken ? 1 : 0)) throw new Error(`a stream ended badly: ${JSON.stringify(codes)}`);
  return { status, code: codes[0], text, isComplete: done };
}

const openFiles = async (part: Part): Promise<number> => (await readdir(`/proc/${part.pid}/fd`)).length;

describe('an engine that fails its requests in every way', () => {
  let engine: FakeVllm;
  let system: System;
  let pictures: readonly string[];

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', workerToml('vlm', { slots: AT_ONCE }));
    await system.untilModel('vlm', 'available');
    const plain = await plainPicture(40, 30);
    pictures = [
      dataUrl(plain),
      dataUrl(await sharp(plain).jpeg().withMetadata({ orientation: 6 }).toBuffer(), 'image/jpeg'),
      dataUrl(await sharp(plain).gif().toBuffer(), 'image/gif'),
    ];
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  function bodyOf(index: number, text: string, stream: boolean): unknown {
    const picture = pictures[(index >> 1) % (pictures.length * 2)];
    const content = picture === undefined ? text : [{ type: 'text', text }, imagePart(picture)];
    return { model: 'vlm', stream, messages: [{ role: 'user', content }] };
  }

  /** Resolves when the client has seen all there is for it. */
  async function send(index: number, { behaviour, times, expected }: FaultCase): Promise<Told | undefined> {
    const stream = Math.floor(index / faultCases.length) % 2 === 0;
    const text = `request-${index}-`;
    engine.script({ match: text, times: times ?? 'always', behaviour });
    if (times !== undefined) engine.script({ match: text, times: 'always', behaviour: { text: ANSWER } });
    const leave = new AbortController();
    const answer = system
      .chat(bodyOf(index, text, stream), { signal: leave.signal })
      .then((response) => readTold(response, stream));
    if (expected.kind !== 'left') return answer;
    const left = answer.catch(() => undefined);
    if (expected.at !== 'sent') await engine.waitFor(expected.at, { text, timeoutMs: 60_000 });
    leave.abort();
    await left;
    if (expected.at !== 'sent') await engine.waitFor('aborted', { text });
    return undefined;
  }

  function check({ name, expected }: FaultCase, told: Told | undefined): void {
    switch (expected.kind) {
      case 'answer':
        expect({ name, told }).toEqual({ name, told: { status: 200, text: ANSWER, isComplete: true } });
        break;
      case 'refused': {
        const { status, code } = expected;
        expect({ name, told }).toEqual({ name, told: { status, code, text: '', isComplete: false } });
        break;
      }
      case 'broken-off':
        expect({ name, told }).toMatchObject({ name, told: { code: 'BACKEND_ERROR', isComplete: false } });
        expect([200, 502]).toContain(told?.status);
        expect(ANSWER.startsWith(told?.text ?? '?')).toBe(true);
        break;
      case 'left':
        expect(told).toBeUndefined();
    }
  }

  /** Jobs in any state of any queue: with ids of jobs, whatever the queue calls its lists. */
  async function queuedJobs(): Promise<number> {
    const redis = new Redis(system.redis.url);
    try {
      let found = 0;
      for (const key of await redis.keys('*')) {
        if (/:(?:wait|active|paused)$/.test(key)) found += await redis.llen(key);
        if (/:(?:prioritized|delayed|failed|completed)$/.test(key)) found += await redis.zcard(key);
      }
      return found;
    } finally {
      redis.disconnect();
    }
  }

  it('makes one right answer or one clear error of each, and nothing stays behind', async () => {
    expect((await system.chat(well)).status).toBe(200);
    await system.untilClean();
    const before = {
      gateway: await openFiles(system.gateway),
      adapter: await openFiles(system.adapter('vlm')),
    };
    const all = Array.from({ length: REQUESTS }, (_, index) => index);
    const failing = all.filter((index) => failsInEngine(caseOf(index)));
    const others = all.filter((index) => !failsInEngine(caseOf(index)));
    const sendAll = async (indices: number[], isAlternating: boolean): Promise<void> => {
      for (let index = indices.pop(); index !== undefined; index = indices.pop()) {
        check(caseOf(index), await send(index, caseOf(index)));
        if (isAlternating) expect((await system.chat(well)).status).toBe(200);
      }
    };
    await Promise.all([
      ...Array.from({ length: FAILING }, () => sendAll(failing, true)),
      ...Array.from({ length: OTHERS }, () => sendAll(others, false)),
    ]);

    await system.untilClean();
    expect(await queuedJobs()).toBe(0);
    expect(engine.counters).toMatchObject({ running: 0, waiting: 0, preprocessing: 0 });
    const adapter = await Metrics.read(system.adapterOpsUrl('vlm'));
    const gateway = await Metrics.read(system.opsUrl);
    const held = {
      slots: adapter.sum('fovea_slots_in_use'),
      tokens: adapter.sum('fovea_engine_tokens_in_use'),
      jobsWithoutPlace: adapter.sum('fovea_jobs_waiting_for_place'),
      waiting: gateway.sum('fovea_requests_waiting'),
      running: gateway.sum('fovea_requests_running'),
      uploadBytes: gateway.sum('fovea_upload_bytes_in_flight'),
    };
    expect(held).toEqual({
      slots: 0,
      tokens: 0,
      jobsWithoutPlace: 0,
      waiting: 0,
      running: 0,
      uploadBytes: 0,
    });
    expect(adapter.sum('fovea_engine_breaker_openings_total')).toBe(0);
    await until('sockets to be closed', async () => {
      const gatewayFiles = (await openFiles(system.gateway)) - before.gateway;
      const adapterFiles = (await openFiles(system.adapter('vlm'))) - before.adapter;
      return gatewayFiles <= KEPT_ALIVE && adapterFiles <= KEPT_ALIVE;
    });
  }, 900_000);
});
