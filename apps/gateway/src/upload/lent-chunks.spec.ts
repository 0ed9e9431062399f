import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { UploadReader } from './receive-upload.js';
import {
  head,
  RawClient,
  startUploadServer,
  type UploadServer,
  type UploadServerOptions,
  until,
} from './testing/upload-server.js';
import { type LentChunkConsumer, WireBody } from './wire-body.js';

const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const headOf = (body: Uint8Array, ...more: string[]): string =>
  head(`Content-Length: ${body.length}`, ...more);

let server: UploadServer;
const clients: RawClient[] = [];

const start = async (read: UploadReader<unknown>, options: UploadServerOptions = {}): Promise<void> => {
  server = await startUploadServer({ maxBodyBytes: 64 * MIB, ...options, read });
};
const open = async (): Promise<RawClient> => {
  const client = await RawClient.open(server.port);
  clients.push(client);
  return client;
};

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await server.close();
});

type Take = (chunk: Buffer, isLent: boolean) => ReturnType<LentChunkConsumer>;

/** Borrows what it can get; `take` sees every chunk, lent or not. */
function readAll(body: Readable, take: Take): Promise<{ lentBytes: number }> {
  if (!(body instanceof WireBody)) throw new TypeError('not as it came off the wire');
  let lentBytes = 0;
  let working: Promise<void> | undefined;
  return new Promise((resolve, reject) => {
    body.lendTo((chunk) => {
      lentBytes += chunk.length;
      working = take(chunk, true);
      return working;
    });
    body.on('data', (chunk: Buffer) => take(chunk, false));
    body.on('end', () => resolve(Promise.resolve(working).then(() => ({ lentBytes }))));
    body.on('error', reject);
  });
}

/** Answers with the digest and whether most was lent. */
const digest: UploadReader<unknown> = async (body) => {
  const hash = createHash('sha256');
  const { lentBytes } = await readAll(body, (chunk) => void hash.update(chunk));
  return { sha256: hash.digest('hex'), isLent: lentBytes > 0 };
};

const answers = (text: string): unknown[] =>
  [...text.matchAll(/\r\n\r\n(\{.*?\})(?=HTTP|$)/g)].map(([, json]) => JSON.parse(String(json)));

describe('the chunks of a large body', () => {
  it('are lent, and nothing is lost, body after body on one connection', async () => {
    await start(digest);
    const client = await open();
    const bodies = [3 * MIB, 10, 2 * MIB + 1, 300_000, 5 * MIB].map((size) => randomBytes(size));
    for (const [index, body] of bodies.entries()) {
      client.send(headOf(body));
      client.send(body);
      const text = await client.until(new RegExp(`(HTTP[\\s\\S]*\\}){${index + 1}}`));
      const isLent = body.length > 2 * MIB;
      expect(answers(text)[index]).toEqual({ sha256: sha256(body), isLent });
    }
    expect(server.bytesInFlight()).toBe(0);
  });

  it('end where the body ends: what is pipelined behind it is the next request', async () => {
    await start(digest);
    const client = await open();
    const [first, second] = [randomBytes(4 * MIB), randomBytes(3 * MIB)];
    client.send(Buffer.concat([Buffer.from(headOf(first)), first, Buffer.from(headOf(second)), second]));
    client.send('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    const text = await client.until(/"status":"ok"\}/);
    expect(answers(text)).toEqual([
      { sha256: sha256(first), isLent: true },
      { sha256: sha256(second), isLent: true },
      { status: 'ok' },
    ]);
  });

  it('of bodies that come at the same time are not mixed', async () => {
    await start(digest);
    const bodies = Array.from({ length: 6 }, () => randomBytes(4 * MIB));
    const seen = await Promise.all(
      bodies.map(async (body) => {
        const client = await open();
        client.send(headOf(body));
        for (let at = 0; at < body.length; at += 100_000) client.send(body.subarray(at, at + 100_000));
        return answers(await client.until(/\}$/))[0];
      }),
    );
    expect(seen).toEqual(bodies.map((body) => ({ sha256: sha256(body), isLent: true })));
  });

  it('wait for a borrower that is busy, whoever resumes the socket meanwhile', async () => {
    let busy = 0;
    let most = 0;
    await start(async (body) => {
      const chunks: Buffer[] = [];
      const { socket } = (body as unknown as { request: { socket: { resume(): void } } }).request;
      const { lentBytes } = await readAll(body, (chunk, isLent) => {
        chunks.push(Buffer.from(chunk));
        setImmediate(() => socket.resume());
        if (!isLent) return undefined;
        busy += 1;
        most = Math.max(most, busy);
        return new Promise((resolve) => {
          setTimeout(() => {
            busy -= 1;
            resolve();
          }, 3);
        });
      });
      const hash = createHash('sha256').update(Buffer.concat(chunks));
      return { sha256: hash.digest('hex'), isLent: lentBytes > 0 };
    });
    const client = await open();
    const body = randomBytes(4 * MIB);
    client.send(headOf(body));
    client.send(body);
    expect(answers(await client.until(/\}$/))[0]).toEqual({ sha256: sha256(body), isLent: true });
    expect(most).toBe(1);
  });

  it.each(['Transfer-Encoding: chunked', 'Content-Encoding: gzip'])(
    'are not lent with %s',
    async (header) => {
      await start(async (body) => ({ isWire: body instanceof WireBody, ...(await countLent(body)) }));
      const client = await open();
      const isChunked = header.startsWith('Transfer');
      const body = randomBytes(2 * MIB);
      client.send(isChunked ? head(header) : headOf(body, header));
      if (isChunked) client.send(`${body.length.toString(16)}\r\n`);
      client.send(body);
      client.send('\r\n0\r\n\r\n');
      const text = await client.until(/\}/);
      if (isChunked) expect(answers(text)[0]).toEqual({ isWire: true, lentBytes: 0 });
      else expect(text).toMatch(/"isWire":false|INVALID_REQUEST/);
    },
  );
});

async function countLent(body: Readable): Promise<{ lentBytes: number }> {
  if (body instanceof WireBody) return readAll(body, () => undefined);
  body.resume();
  return { lentBytes: 0 };
}

describe('a large body whose chunks are lent', () => {
  it('and that is refused halfway leaves the rest unread, and the client sees why', async () => {
    let takenBytes = 0;
    await start(
      (body) =>
        new Promise((_resolve, reject) => {
          void readAll(body, (chunk) => {
            takenBytes += chunk.length;
            if (takenBytes < 2 * MIB) return undefined;
            reject(new FoveaError('INVALID_IMAGE', { param: 'messages' }));
            return new Promise(() => {});
          }).catch(reject);
        }),
    );
    const client = await open();
    const body = randomBytes(32 * MIB);
    client.send(headOf(body));
    client.send(body);
    const text = await client.ended();
    expect(text).toMatch(/^HTTP\/1\.1 400 [\s\S]*connection: close[\s\S]*INVALID_IMAGE/i);
    expect(takenBytes).toBeLessThan(2 * MIB + 300 * 1024);
    await until(() => server.connections() === 0);
    expect(server.counts.bytes).toBeLessThan(8 * MIB);
    expect(server.bytesInFlight()).toBe(0);
  });

  it('and that is refused with its last chunk keeps its connection', async () => {
    const body = randomBytes(3 * MIB);
    let takenBytes = 0;
    await start(
      (upload) =>
        new Promise((_resolve, reject) => {
          void readAll(upload, (chunk) => {
            takenBytes += chunk.length;
            if (takenBytes < body.length) return undefined;
            setImmediate(() => setImmediate(() => reject(new FoveaError('INVALID_IMAGE'))));
            return new Promise(() => {});
          }).catch(reject);
        }),
    );
    const client = await open();
    client.send(headOf(body));
    client.send(body);
    await client.until(/INVALID_IMAGE.*\}$/);
    client.send('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until(/"status":"ok"\}/);
  });

  it('ends as CLIENT_CLOSED when its client leaves', async () => {
    const errors: unknown[] = [];
    await start(async (body) => digest(body).catch((error: unknown) => errors.push(error)));
    for (const leave of ['reset', 'end'] as const) {
      const client = await open();
      client.send(head(`Content-Length: ${32 * MIB}`));
      client.send(randomBytes(3 * MIB));
      await until(() => server.receiving() > 3 * MIB);
      client[leave]();
      await until(() => server.bytesInFlight() === 0 && server.connections() === 0);
    }
    expect(errors.map((error) => FoveaError.isInstance(error) && error.code)).toEqual([
      'CLIENT_CLOSED',
      'CLIENT_CLOSED',
    ]);
  });

  it('is REQUEST_TIMEOUT when its client falls silent, and not while its borrower is busy', async () => {
    let waits = true;
    await start(
      (body) =>
        readAll(body, () => {
          if (!waits) return undefined;
          waits = false;
          return new Promise((resolve) => setTimeout(resolve, 600));
        }),
      { idleMs: 200 },
    );
    const client = await open();
    client.send(head(`Content-Length: ${32 * MIB}`));
    client.send(randomBytes(3 * MIB));
    const text = await client.ended();
    expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*upload_idle_s/);
    await until(() => server.connections() === 0);
    expect(server.counts.bytes).toBeGreaterThan(3 * MIB);
  });
});
