import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeIf, program } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  head,
  RawClient,
  startUploadServer,
  type UploadServer,
  type UploadServerOptions,
  until,
} from '../upload/testing/upload-server.js';

const MIB = 1024 * 1024;
let server: UploadServer;
const clients: RawClient[] = [];

async function open(): Promise<RawClient> {
  const client = await RawClient.open(
    server.port,
    tls === undefined ? undefined : { rejectUnauthorized: false },
  );
  clients.push(client);
  return client;
}

let tls: UploadServerOptions['tls'];
const refused = (length: number): string =>
  `POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\nContent-Length: ${length}\r\n\r\n`;
const whole401 = /^HTTP\/1\.1 401 Unauthorized\r\n[\s\S]*\r\n\r\n(\{.*\})$/;

/** What Python's `requests` does, without its reading of error numbers: see docs/guides/large-uploads.md. */
const sendThenRead = `
import socket, ssl, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2] == "tls":
    sock = ssl._create_unverified_context().wrap_socket(sock)
sock.sendall(b"POST /upload HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 104857600\\r\\n\\r\\n")
try:
    for piece in range(1600):
        sock.sendall(b"x" * 65536)
except OSError:
    pass
answer = b""
while piece := sock.recv(65536):
    answer += piece
    if answer.endswith(b"}"):
        break
sys.stdout.write(answer.decode())
`;

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await server.close();
});

function suite(): void {
  const start = async (options: UploadServerOptions = {}): Promise<void> => {
    server = await startUploadServer({ ...options, tls });
  };

  it('is whole, with its length and Connection: close, and then our side is closed while the client still sends', async () => {
    await start();
    const client = await open();
    client.send(refused(100 * MIB));
    client.send(Buffer.alloc(1_000));
    const answer = await client.ended();
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    const body = whole401.exec(answer)?.[1] ?? '';
    expect(answer).toMatch(new RegExp(`\r\ncontent-length: ${body.length}\r\n`, 'i'));
    expect(JSON.parse(body)).toMatchObject({ code: 'UNAUTHORIZED' });
    // The other direction is open: what is sent now is taken, not reset.
    expect(server.connections()).toBe(1);
    client.send(Buffer.alloc(100_000));
    await until(() => server.connections() === 0);
    expect(server.counts.routed).toBe(0);
  });

  it('closes as soon as the rest has come, or the client is gone', async () => {
    await start();
    const startedAtMs = performance.now();
    for (let round = 0; round < 10; round += 1) {
      const patient = await open();
      patient.send(refused(300_000));
      await patient.until(whole401);
      patient.send(Buffer.alloc(300_000));
      await until(() => server.connections() === 0);
      const leaving = await open();
      leaving.send(refused(300_000));
      await leaving.until(whole401);
      leaving.socket.end();
      await until(() => server.connections() === 0);
    }
    // A silent client is given a second, so if either kind were, ten would take ten.
    expect(performance.now() - startedAtMs).toBeLessThan(9_000);
  });

  it('throws away at most 4 MiB of a client that does not stop', async () => {
    await start();
    const client = await open();
    client.send(refused(1024 * MIB));
    await client.until(whole401);
    client.send(Buffer.alloc(64 * MIB));
    await until(() => server.connections() === 0);
    expect(server.counts.bytes).toBeGreaterThan(4 * MIB);
    expect(server.counts.bytes).toBeLessThan(5 * MIB);
  });

  it('is read by a client that looks for it only when it can write no more', async () => {
    await start();
    const client = await open();
    client.socket.pause();
    const errors: Error[] = [];
    client.socket.on('error', (error) => errors.push(error));
    client.send(refused(1024 * MIB));
    client.send(Buffer.alloc(64 * MIB));
    await until(() => server.receiving() + server.counts.bytes > 4 * MIB);
    // What a server that hung up now would have sent is there by then.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(errors).toEqual([]);
    client.socket.resume();
    await client.until(whole401);
  });

  it('throws away what comes within one second of a client that drips', async () => {
    await start();
    const client = await open();
    client.send(refused(1_000_000));
    await client.until(whole401);
    const startedAtMs = performance.now();
    const drip = setInterval(() => client.send('x'), 20);
    await until(() => server.connections() === 0);
    clearInterval(drip);
    expect(performance.now() - startedAtMs).toBeGreaterThan(900);
  });

  it('lets no request through that is pipelined behind it', async () => {
    await start();
    const client = await open();
    const next = `${head('Content-Length: 5')}hello`;
    client.send(refused(200_000));
    await client.until(whole401);
    client.send(Buffer.concat([Buffer.alloc(200_000), Buffer.from(next + next)]));
    await until(() => server.connections() === 0);
    expect(await client.ended()).toMatch(whole401);
    expect(server.counts.routed).toBe(0);
  });

  it('keeps the connection when the body has come with the headers', async () => {
    await start();
    const client = await open();
    client.send(`${refused(5)}hello${head('Content-Length: 5')}world`);
    const seen = await client.until(/"bytes":5/);
    expect(seen).toMatch(/^HTTP\/1\.1 401 [\s\S]*HTTP\/1\.1 200 OK/);
    expect(seen).not.toMatch(/connection: close/i);
    client.send(`${head('Content-Length: 3')}abc`);
    await client.until(/"bytes":3/);
  });

  it('waits for its turn behind the answers before it', async () => {
    await start();
    const client = await open();
    client.send(`${head('Content-Length: 5')}hello${refused(1_000_000)}x`);
    const seen = await client.ended();
    expect(seen).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"bytes":5[\s\S]*HTTP\/1\.1 401 [\s\S]*"UNAUTHORIZED"\}$/);
    await until(() => server.connections() === 0);
  });

  it('is given on success as well: nobody reads a body that no route asked for', async () => {
    await start();
    const client = await open();
    client.send(`GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n`);
    client.send(Buffer.alloc(1_000));
    expect(await client.ended()).toMatch(
      /^HTTP\/1\.1 200 OK[\s\S]*connection: close[\s\S]*\{"status":"ok"\}$/i,
    );
    await until(() => server.connections() === 0);
  });

  it('comes in the middle of an upload as well', async () => {
    await start({ maxBodyBytes: 100_000 });
    const client = await open();
    client.send(head('Transfer-Encoding: chunked'));
    client.send(`fffff\r\n${'x'.repeat(200_000)}`);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*PAYLOAD_TOO_LARGE/i);
    client.send('x'.repeat(100_000));
    await until(() => server.connections() === 0);
    expect(server.bytesInFlight()).toBe(0);
  });

  describeIf(program('python3'), 'to a client that reads only when it can send no more', () => {
    it('is there', async () => {
      await start();
      const args = ['-c', sendThenRead, `${server.port}`, tls === undefined ? 'plain' : 'tls'];
      const { stdout } = await promisify(execFile)('python3', args);
      expect(stdout).toMatch(/^HTTP\/1\.1 401 Unauthorized\s[\s\S]*"UNAUTHORIZED"\}$/);
    });
  });

  it('leaves nothing open after clients that go at any moment', async () => {
    await start();
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const client = await open();
        client.send(refused(10_000_000));
        client.send(Buffer.alloc(index * 1_000));
        if (index % 2 === 0) await client.until(whole401);
        if (index % 3 === 0) client.end();
        else client.reset();
      }),
    );
    await until(() => server.connections() === 0);
  });
}

describe('an answer before the end of the upload', () => {
  suite();
});

describeIf(program('openssl'), 'an answer before the end of the upload over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-tls-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
    ].concat(['-subj', '/CN=localhost', '-keyout', keyFile, '-out', certFile]),
    { stdio: 'ignore' },
  );
  const pem = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  rmSync(folder, { recursive: true });
  beforeAll(() => {
    tls = pem;
  });
  afterAll(() => {
    tls = undefined;
  });
  suite();
});
