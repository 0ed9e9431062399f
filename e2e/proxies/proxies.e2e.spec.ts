import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { describeIf, program } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { Metrics } from '../support/metrics.js';
import { dataUrl, plainPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';
import { host, kinds, ProxyProcess } from './proxy-process.js';

const MIB = 1024 * 1024;
const BODY_BYTES = 128 * MIB;

/** A PNG that does not shrink: a little more than three bytes a pixel. */
const noise = (width: number, height: number): Promise<Buffer> =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();

/** A request of exactly 128 MiB: three pictures, some blanks, and at the very end the model. */
async function largestBody(model: string): Promise<Buffer> {
  const pictures = [await noise(4000, 4000), await noise(4000, 4000), await noise(4000, 370)];
  const images = pictures.map((picture) => `{"type":"image_url","image_url":{"url":"${dataUrl(picture)}"}}`);
  const start = Buffer.from(`{"messages":[{"role":"user","content":[${images.join()}]}]`);
  const end = Buffer.from(`,"model":"${model}"}`);
  return Buffer.concat([start, Buffer.alloc(BODY_BYTES - start.length - end.length, ' '), end]);
}

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string };
}

describe('a proxy in front', () => {
  let engine: FakeVllm;
  let system: System;
  let largest: Buffer;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
    largest = await largestBody('nobody-has-this');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const inFlight = async () => (await Metrics.read(system.opsUrl)).sum('fovea_upload_bytes_in_flight');

  describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (name) => {
    describeIf(program(name), 'as we ship its configuration', () => {
      let proxy: ProxyProcess;
      beforeAll(async () => {
        proxy = await ProxyProcess.start(name, system.url);
      }, 60_000);
      afterAll(() => proxy?.stop());

      /** Sends the headers of a chat request over TLS; the body goes in chunks. */
      function open(key: string = keys.alpha): ClientRequest {
        const request = httpsRequest({
          host: '127.0.0.1',
          port: proxy.port,
          servername: host,
          ca: proxy.certificate,
          agent: false,
          method: 'POST',
          path: '/v1/chat/completions',
          headers: { host, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        });
        // After an early answer writing fails; the answer is what counts.
        request.on('error', () => undefined);
        return request;
      }
      const answered = (request: ClientRequest): Promise<IncomingMessage> =>
        new Promise((resolve, reject) => {
          request.once('response', resolve);
          request.once('close', () => reject(new Error(`no answer; the proxy says:\n${proxy.log}`)));
        });
      async function whole(response: Promise<IncomingMessage>): Promise<Answer> {
        const { statusCode = 0 } = await response;
        let text = '';
        for await (const piece of await response) text += String(piece);
        return { status: statusCode, body: JSON.parse(text) as Answer['body'] };
      }
      const ask = (text: string, stream: boolean): string =>
        JSON.stringify({ model: 'vlm', stream, messages: [{ role: 'user', content: text }] });

      it('passes 128 MiB in chunks on as they come, and keeps nothing in files', async () => {
        const request = open();
        const answer = whole(answered(request));
        request.write(largest.subarray(0, 64 * MIB));
        // Most of the first half is with the gateway while the second has not been sent.
        await until('the first half to arrive', async () => (await inFlight()) > 56 * MIB);
        expect(await proxy.keptFiles()).toEqual([]);
        request.end(largest.subarray(64 * MIB));
        // Only who has read the last bytes knows the model.
        expect(await answer).toMatchObject({ status: 404, body: { code: 'UNKNOWN_MODEL' } });
        expect(await proxy.keptFiles()).toEqual([]);
        await until('nothing to be in flight', async () => (await inFlight()) === 0);
      });

      it('leaves it to the gateway to refuse one byte more', async () => {
        const request = open();
        request.setHeader('content-length', BODY_BYTES + 1);
        const answer = whole(answered(request));
        request.write(' ');
        expect(await answer).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
        request.destroy();
      });

      it('hands each token on while the next is not made', async () => {
        const text = `${name} one two three four five six`;
        const hold = engine.hold({ match: text, afterTokens: 3 });
        const request = open();
        const response = answered(request);
        request.end(ask(text, true));
        await hold.reached();
        const { statusCode, headers } = await response;
        expect([statusCode, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
        let seen = '';
        let tokens = 0;
        for await (const piece of await response) {
          seen += String(piece);
          tokens = seen.match(/"content":"[^"]+"/g)?.length ?? 0;
          // The engine makes no fourth token before the client has the third.
          if (tokens >= 3) hold.release();
        }
        expect(tokens).toBeGreaterThan(3);
        expect(seen.endsWith('data: [DONE]\n\n')).toBe(true);
      });

      it.each([
        ['an unknown key', 'nobody', 401, 'UNAUTHORIZED', () => Buffer.alloc(48 * MIB, ' ')],
        ['a bad picture', keys.alpha, 400, 'IMAGE_TOO_LARGE', badPicture],
      ])('hands on the refusal of %s in the middle of an upload', async (_what, key, status, code, body) => {
        const bytes = await body();
        const attempt = async (): Promise<Answer> => {
          const request = open(key);
          try {
            const answer = whole(answered(request));
            await Promise.race([feed(request, bytes), answer]);
            return await answer;
          } finally {
            request.destroy();
          }
        };
        // Go’s proxy sometimes cuts the connection in place of the answer, as the guide says; clients come again.
        let answer: Answer | undefined;
        for (let tries = name === 'caddy' ? 10 : 1; tries > 0 && answer === undefined; tries -= 1) {
          answer = await attempt().catch((error: unknown) => {
            if (tries === 1) throw error;
            return undefined;
          });
        }
        expect(answer).toMatchObject({ status, body: { code } });
      });

      it.each([
        ['before the first token', false, 0],
        ['while it streams', true, 2],
      ])('tells the gateway of a client that leaves %s', async (what, stream, afterTokens) => {
        const text = `${name} leaves ${what}, five six seven`;
        const hold = engine.hold({ match: text, afterTokens });
        const request = open();
        request.end(ask(text, stream));
        await hold.reached();
        request.destroy();
        expect((await engine.waitFor('aborted', { text })).text).toContain(text);
        hold.release();
      });

      it('does so over HTTP/2, too: tokens at once, refusals in the middle of an upload', async () => {
        const session = connect(`https://127.0.0.1:${proxy.port}`, {
          servername: host,
          ca: proxy.certificate,
        });
        const post = (key: string) =>
          session.request({
            ':method': 'POST',
            ':path': '/v1/chat/completions',
            ':authority': host,
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
          });
        try {
          const text = `${name} over HTTP/2 one two three four`;
          const hold = engine.hold({ match: text, afterTokens: 2 });
          const stream = post(keys.alpha);
          stream.end(ask(text, true));
          await hold.reached();
          let seen = '';
          for await (const piece of stream) {
            seen += String(piece);
            if ((seen.match(/"content":"[^"]+"/g)?.length ?? 0) >= 2) hold.release();
          }
          expect(seen.endsWith('data: [DONE]\n\n')).toBe(true);
          const refused = post('nobody');
          refused.on('error', () => undefined);
          refused.write(' '.repeat(10_000));
          const [headers] = (await once(refused, 'response')) as [{ ':status'?: number }];
          expect(headers[':status']).toBe(401);
        } finally {
          session.destroy();
        }
      });

      it('answers plain HTTP with the way to HTTPS', async () => {
        const request = httpRequest({
          host: '127.0.0.1',
          port: proxy.httpPort,
          path: '/health',
          headers: { host },
          agent: false,
        });
        const response = answered(request);
        request.end();
        const { statusCode, headers } = await response;
        expect(statusCode).toBe(308);
        expect(new URL(headers.location ?? '').protocol).toBe('https:');
        (await response).resume();
      });
    });
  });
});

/** Sends a body as clients do: by the piece, no faster than it is taken, and not after an error. */
async function feed(request: ClientRequest, body: Buffer): Promise<void> {
  for (let sent = 0; sent < body.length && !request.destroyed; sent += 65_536) {
    if (request.write(body.subarray(sent, sent + 65_536))) continue;
    await once(request, 'drain').catch(() => undefined);
  }
}

async function badPicture(): Promise<Buffer> {
  const wide = dataUrl((await plainPicture(4001, 10)).subarray(0, 60));
  const start = `{"model":"vlm","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"${wide}`;
  return Buffer.concat([Buffer.from(start), Buffer.alloc(48 * MIB, 'A')]);
}
