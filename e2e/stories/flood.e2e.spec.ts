import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { crc32 } from 'node:zlib';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

/** Once by hand with FOVEA_FLOOD_REQUESTS=64 FOVEA_FLOOD_MIB=128; small enough here to run with every test. */
const REQUESTS = Number(process.env.FOVEA_FLOOD_REQUESTS ?? 18);
const MAX_MIB = Number(process.env.FOVEA_FLOOD_MIB ?? 24);
const MIB = 1024 * 1024;
const SIDE = 600;

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
};

/** A PNG of about 1 MiB that does not compress. Only its structure is true: nobody here decodes it. */
function noisePng(width: number, height: number): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const parts = [
    signature,
    chunk('IHDR', header),
    chunk('IDAT', randomBytes(MIB)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat(parts).toString('base64');
}

type Kind = 'whole' | 'cut' | 'broken' | 'too-wide';
const kinds: readonly Kind[] = ['whole', 'broken', 'whole', 'cut', 'whole', 'too-wide'];

interface Outcome {
  readonly kind: Kind;
  readonly images: number;
  readonly status: number | undefined;
  readonly body: string;
}

/** Until there is room for more, or nobody wants any. */
function untilWritable(call: ClientRequest, answered: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done).off('close', done);
      resolve();
    };
    call.on('drain', done).on('close', done);
    void answered.then(done);
  });
}

describe('many large uploads at once, a third of them broken or cut off', () => {
  let engine: FakeVllm;
  let system: System;
  const images = Array.from({ length: 4 }, () => noisePng(SIDE, SIDE));
  const wide = noisePng(4001, 10);

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'text-only' });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('text', workerToml('text-only', { multimodal: false }));
    await system.untilModel('text-only', 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const rssMib = async (): Promise<number> => {
    const status = await readFile(`/proc/${system.gateway.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  };

  /** The pieces of a body; equal pictures are the same strings, so a hundred bodies take the memory of one. */
  function* pieces(kind: Kind, count: number): Generator<string> {
    yield '{"model":"text-only","messages":[{"role":"user","content":[';
    for (let index = 0; index < count; index += 1) {
      const picture = kind === 'too-wide' && index === 0 ? wide : (images[index % images.length] ?? '');
      yield `${index > 0 ? ',' : ''}{"type":"image_url","image_url":{"url":"data:image/png;base64,`;
      yield kind === 'broken' && index === count - 1 ? `${picture.slice(0, -8)}*AAAAAA=` : picture;
      yield '"}}';
    }
    yield ']}]}';
  }

  async function upload(index: number): Promise<Outcome> {
    const kind = kinds[index % kinds.length] ?? 'whole';
    const count = 1 + Math.floor((((index * 7919) % 97) / 97) * (MAX_MIB / 1.4 - 1));
    const key = index % 2 === 0 ? keys.alpha : keys.beta;
    const call = request(`${system.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    const answered = once(call, 'response').then(
      ([response]) => response as IncomingMessage,
      () => undefined,
    );
    // The server closes a second behind its refusal, which a client on a busy machine may be still writing against.
    call.on('error', () => undefined);
    let isAnswered = false;
    void answered.then(() => {
      isAnswered = true;
    });
    const all = [...pieces(kind, count)];
    const end = kind === 'cut' ? Math.floor(all.length / 2) : all.length;
    for (const piece of all.slice(0, end)) {
      if (isAnswered || call.destroyed) break;
      if (!call.write(piece)) await untilWritable(call, answered);
    }
    if (kind === 'cut') {
      call.destroy();
      return { kind, images: count, status: undefined, body: '' };
    }
    call.end();
    const response = await answered;
    let body = '';
    for await (const text of response?.setEncoding('utf8') ?? []) body += String(text);
    return { kind, images: count, status: response?.statusCode, body };
  }

  it('get the right answer each, and leave neither memory nor blobs behind', async () => {
    const before = await rssMib();
    const outcomes = await Promise.all(Array.from({ length: REQUESTS }, (_, index) => upload(index)));
    for (const { kind, images: count, status, body } of outcomes) {
      if (kind === 'cut') continue;
      const path = (place: number): string => `messages[0].content[${place}].image_url.url`;
      const code = { whole: 'MISSING_CAPABILITY', broken: 'INVALID_IMAGE', 'too-wide': 'IMAGE_TOO_LARGE' }[
        kind
      ];
      const param = kind === 'broken' ? path(count - 1) : path(0);
      expect({ status, body: JSON.parse(body) }).toMatchObject({
        status: 400,
        body: { error: { code, param } },
      });
    }
    await system.untilClean();
    await until('memory to be back', async () => (await rssMib()) < before + 160, 60_000);
    expect((await fetch(`${system.url}/health`)).status).toBe(200);
  }, 600_000);
});
