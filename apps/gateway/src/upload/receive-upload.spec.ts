import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { FoveaError } from '@fovea/errors';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  digestOf,
  head,
  KEY,
  RawClient,
  startUploadServer,
  type UploadServer,
  until,
} from './testing/upload-server.js';

const MIB = 1024 * 1024;
let server: UploadServer;
const clients: RawClient[] = [];

const open = async (): Promise<RawClient> => {
  const client = await RawClient.open(server.port);
  clients.push(client);
  return client;
};
const post = (body: Uint8Array | ReadableStream, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}/upload`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/octet-stream', ...headers },
    duplex: 'half',
  } as RequestInit);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await server.close();
});

describe('an upload', () => {
  it('comes whole through every coding and transfer, and gives its bytes back', async () => {
    server = await startUploadServer();
    const bytes = Buffer.concat([randomBytes(100_000), Buffer.alloc(100_000)]);
    const packed: Record<string, Uint8Array> = {
      identity: bytes,
      gzip: zlib.gzipSync(bytes),
      deflate: zlib.deflateSync(bytes),
      br: zlib.brotliCompressSync(bytes),
      'gzip, br': zlib.brotliCompressSync(zlib.gzipSync(bytes)),
    };
    for (const [coding, body] of Object.entries(packed)) {
      for (const form of [body, new Blob([body]).stream()]) {
        const answer = await post(form, { 'content-encoding': coding });
        expect(await answer.json()).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
        expect(server.bytesInFlight()).toBe(0);
      }
    }
  });

  it('in an unknown coding is 415 that names the header, with the codings that are taken', async () => {
    server = await startUploadServer();
    for (const coding of ['zstd', 'gzip, gzip, gzip']) {
      const answer = await post(Buffer.from('x'), { 'content-encoding': coding });
      expect(answer.status).toBe(415);
      expect(answer.headers.get('accept-encoding')).toBe('gzip, deflate, br');
      expect(await answer.json()).toMatchObject({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        error: { param: 'Content-Encoding' },
      });
    }
    expect(server.counts.read).toBe(0);
  });

  it('that unpacks to more than the limit, or is a bomb, is 413', async () => {
    server = await startUploadServer({ maxBodyBytes: 8 * MIB });
    const large = await post(zlib.gzipSync(randomBytes(8 * MIB + 1), { level: 1 }));
    expect(large.status).toBe(413);
    const unpacked = await post(zlib.brotliCompressSync(Buffer.alloc(64 * MIB)), {
      'content-encoding': 'br',
    });
    expect(unpacked.status).toBe(413);
    expect(await unpacked.json()).toMatchObject({
      error: { limit: { name: 'max_decompression_ratio', value: 100 } },
    });
    expect(server.bytesInFlight()).toBe(0);
  });

  it('declared over the limit is 413 before a byte is read', async () => {
    server = await startUploadServer({ maxBodyBytes: 1_000 });
    const client = await open();
    client.send(head('Content-Length: 1001'));
    expect(await client.until(/PAYLOAD_TOO_LARGE/)).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*\r\nconnection: close\r\n/i,
    );
    expect(server.counts).toMatchObject({ routed: 1, read: 0 });
  });

  it('in chunks is 413 as soon as it is over the limit', async () => {
    server = await startUploadServer({ maxBodyBytes: 1_000 });
    const client = await open();
    client.send(`${head('Transfer-Encoding: chunked')}3e8\r\n${'x'.repeat(1_000)}\r\n`);
    await until(() => server.bytesInFlight() === 1_000);
    client.send('1\r\nx\r\n');
    expect(await client.until(/PAYLOAD_TOO_LARGE/)).toMatch(/^HTTP\/1\.1 413/);
    await until(() => server.bytesInFlight() === 0);
  });

  it('is counted by what is declared at once, and by what has arrived when nothing is', async () => {
    server = await startUploadServer();
    const declared = await open();
    declared.send(`${head('Content-Length: 5000')}x`);
    await until(() => server.bytesInFlight() === 5_000);
    const chunked = await open();
    chunked.send(`${head('Transfer-Encoding: chunked')}5\r\nhello\r\n`);
    await until(() => server.bytesInFlight() === 5_005);
    declared.end();
    await until(() => server.bytesInFlight() === 5);
    chunked.send('0\r\n\r\n');
    await chunked.until(/"bytes":5/);
    expect(server.bytesInFlight()).toBe(0);
  });

  it('is refused in its middle when a bound is reached, with Retry-After', async () => {
    server = await startUploadServer({ maxBytesInFlightPerTenant: 1_000 });
    const client = await open();
    client.send(`${head('Transfer-Encoding: chunked')}3e8\r\n${'x'.repeat(1_000)}\r\n`);
    await until(() => server.bytesInFlight() === 1_000);
    const other = await open();
    other.send(head('Content-Length: 1'));
    expect(await other.until(/RATE_LIMITED/)).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: \d/i);
    client.send('1\r\nx\r\n');
    expect(await client.until(/RATE_LIMITED/)).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: \d/i);
    await until(() => server.bytesInFlight() === 0);
  });

  it('that is refused while it unpacks is counted unpacked', async () => {
    server = await startUploadServer({ maxBytesInFlight: 700_000 });
    const bytes = Buffer.alloc(600_000, randomBytes(20_000));
    const answer = await post(zlib.gzipSync(bytes), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      code: 'QUEUE_FULL',
      error: { limit: { name: 'max_bytes_in_flight' } },
    });
  });

  it('waits for its reader: the wire is read no further, and that is no fault of the client', async () => {
    let goOn: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    server = await startUploadServer({
      maxBodyBytes: 32 * MIB,
      idleMs: 300,
      minBytesPerS: 1,
      read: async (body) => {
        await gate;
        return digestOf(body);
      },
    });
    const client = await open();
    client.send(head(`Content-Length: ${32 * MIB}`));
    client.send(Buffer.alloc(32 * MIB));
    // Three times the silence that is allowed. What a slow reader leaves is in the kernel's buffers, not in ours.
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(client.socket.writableLength).toBeGreaterThan(8 * MIB);
    goOn();
    expect(await client.until(/"bytes":\d+/)).toContain(`"bytes":${32 * MIB}`);
  });

  it('of a silent client is 408, and so is one that drips', async () => {
    server = await startUploadServer({ idleMs: 1_000, minBytesPerS: 1_000 });
    const silent = await open();
    silent.send(`${head('Content-Length: 1000')}x`);
    expect(await silent.until(/REQUEST_TIMEOUT/)).toMatch(/^HTTP\/1\.1 408[\s\S]*upload_idle_s/);
    const dripping = await open();
    dripping.send(head('Content-Length: 1000'));
    const drip = setInterval(() => dripping.send('x'), 50);
    expect(await dripping.until(/REQUEST_TIMEOUT/)).toMatch(/^HTTP\/1\.1 408[\s\S]*upload_min_bytes_per_s/);
    clearInterval(drip);
    expect(server.bytesInFlight()).toBe(0);
  });

  it('is not slow because we were: bytes that came while the loop was blocked count', async () => {
    server = await startUploadServer({ idleMs: 1_000 });
    const client = await open();
    client.send(`${head('Content-Length: 2')}a`);
    await until(() => server.counts.read === 1);
    // From here the loop comes to its timers before it looks at its sockets.
    await new Promise((resolve) => setImmediate(resolve));
    client.send('b');
    const startedAtMs = performance.now();
    while (performance.now() - startedAtMs < 1_200);
    expect(await client.until(/\r\n\r\n\{.*\}$/)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('fails for its reader when the client leaves, at every stage', async () => {
    const errors: unknown[] = [];
    server = await startUploadServer({
      read: async (body) => {
        try {
          return await digestOf(body);
        } catch (error) {
          errors.push(error);
          throw error;
        }
      },
    });
    const whole = `${head('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`;
    const bodyAt = whole.indexOf('\r\n\r\n') + 4;
    for (let at = bodyAt - 2; at < whole.length; at += 1) {
      const client = await open();
      client.send(whole.slice(0, at));
      const expected = at < bodyAt ? 0 : at - bodyAt + 1;
      await until(() => server.counts.read >= expected);
      client.end();
    }
    await until(() => errors.length === whole.length - bodyAt);
    for (const error of errors) expect(error).toMatchObject({ code: 'CLIENT_CLOSED' });
    expect(server.bytesInFlight()).toBe(0);
  });

  it('whose reader fails tells why the body broke, or what the reader said of a sound one', async () => {
    const said = new FoveaError('INVALID_IMAGE');
    const failing = async (body: Readable): Promise<never> => {
      await once(body, 'data');
      throw said;
    };
    server = await startUploadServer({ read: failing });
    expect(await (await post(Buffer.alloc(10))).json()).toMatchObject({ code: 'INVALID_IMAGE' });
    await server.close();

    const muddled = async (body: Readable): Promise<never> => {
      await digestOf(body).catch(() => {});
      throw new Error('the stream broke somehow');
    };
    server = await startUploadServer({ read: muddled });
    const answer = await post(Buffer.from('no gzip'), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('gives its bytes back exactly once: after 1,000 that are broken off anywhere, none are in flight', async () => {
    server = await startUploadServer({ maxBodyBytes: 50_000, maxBytesInFlight: 300_000 });
    const plain = randomBytes(40_000);
    const forms = [
      { headers: ['Content-Length: 40000'], body: plain },
      {
        headers: ['Transfer-Encoding: chunked'],
        body: Buffer.concat([Buffer.from('9c40\r\n'), plain, Buffer.from('\r\n0\r\n\r\n')]),
      },
      { headers: ['Content-Encoding: gzip', 'Content-Length: 41000'], body: zlib.gzipSync(plain) },
      {
        headers: ['Content-Encoding: br', 'Expect: 100-continue', 'Content-Length: 41000'],
        body: zlib.brotliCompressSync(plain),
      },
    ];
    const attack = async (round: number): Promise<void> => {
      const { headers, body } = forms[round % forms.length] ?? { headers: [], body: plain };
      const client = await RawClient.open(server.port);
      client.send(head(...headers));
      client.send(body.subarray(0, Math.floor(Math.random() * body.length)));
      const how = Math.random();
      if (how < 0.3)
        await Promise.race([once(client.socket, 'data'), new Promise((resolve) => setTimeout(resolve, 5))]);
      else if (how < 0.6) await new Promise((resolve) => setImmediate(resolve));
      if (how < 0.5) client.reset();
      else client.end();
    };
    for (let round = 0; round < 1_000; round += 25)
      await Promise.all(Array.from({ length: 25 }, (_, index) => attack(round + index)));
    await until(() => server.bytesInFlight() === 0);
    expect(server.counts.routed).toBeGreaterThan(100);
    await until(() => server.connections() === 0);
    expect((await post(plain)).status).toBe(200);
  }, 60_000);
});
