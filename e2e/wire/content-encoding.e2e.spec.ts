import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { dataUrl, imagePart, plainPicture } from '../support/pictures.js';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

describe('a packed chat request', () => {
  let engine: FakeVllm;
  let system: System;
  let body: Buffer;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
    const content = [{ type: 'text', text: 'what is it?' }, imagePart(dataUrl(await plainPicture(300, 300)))];
    body = Buffer.from(JSON.stringify({ model: 'vlm', messages: [{ role: 'user', content }] }));
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });
  afterEach(() => system.untilClean());

  const chat = (bytes: Uint8Array, coding: string): Promise<Response> =>
    system.chat('', { body: bytes, headers: { 'content-encoding': coding } });

  it('is answered like any other, in every coding', async () => {
    const packed: Record<string, Buffer> = {
      identity: body,
      gzip: gzipSync(body),
      deflate: deflateSync(body),
      br: brotliCompressSync(body),
      'deflate, gzip': gzipSync(deflateSync(body)),
    };
    for (const [coding, bytes] of Object.entries(packed)) {
      const answer = await chat(bytes, coding);
      expect([coding, answer.status]).toEqual([coding, 200]);
      await answer.json();
    }
  });

  it('that is broken, cut off or a bomb is refused, and leaves nothing behind', async () => {
    const packed = gzipSync(body);
    const bomb = brotliCompressSync(Buffer.concat([Buffer.from('"'), Buffer.alloc(100_000_000, 'a')]));
    const refusals = [
      [body, 'gzip', 400, 'INVALID_REQUEST'],
      [packed.subarray(0, -1), 'gzip', 400, 'INVALID_REQUEST'],
      [Buffer.concat([packed, Buffer.from('x')]), 'gzip', 400, 'INVALID_REQUEST'],
      [packed, 'br', 400, 'INVALID_REQUEST'],
      [bomb, 'br', 413, 'PAYLOAD_TOO_LARGE'],
      [packed, 'zstd', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ] as const;
    for (const [bytes, coding, status, code] of refusals) {
      const answer = await chat(bytes, coding);
      expect([answer.status, await answer.json()]).toEqual([status, expect.objectContaining({ code })]);
    }
  });
});
