import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import type { ErrorCode } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import { createLogger } from '@fovea/observability';
import { fastify } from 'fastify';
import { Admission } from '../../admission/admission.js';
import { ConfiguredKeys } from '../../auth/configured-keys.js';
import { KeyRing } from '../../auth/key-ring.js';
import { createClientErrorHandler } from '../../http/client-error.js';
import { installDoor } from '../../http/door.js';
import { installEarlyAnswer } from '../../http/early-answer.js';
import { createHttpServer, type HttpServerOptions } from '../../http/http-server.js';
import { sendError } from '../../http/send-error.js';
import { ReceiveUpload, type UploadReader } from '../receive-upload.js';

export const KEY = 'key-of-alpha';
const silent = createLogger({ service: 'test', level: 'silent', destination: new PassThrough() });

export interface UploadServerOptions extends Partial<HttpServerOptions> {
  readonly maxBodyBytes?: number;
  readonly maxBytesInFlight?: number;
  readonly maxBytesInFlightPerTenant?: number;
  readonly idleMs?: number;
  readonly minBytesPerS?: number;
  /** What `POST /upload` does with a body; it answers with the result. Left out, it tells size and digest. */
  readonly read?: UploadReader<unknown>;
}

export interface UploadServer {
  readonly port: number;
  /** Bytes in flight, as the metric would show them. */
  readonly bytesInFlight: () => number;
  /** Requests that reached the route, bodies that a reader was given, bytes taken from connections that are closed. */
  readonly counts: { readonly routed: number; readonly read: number; readonly bytes: number };
  readonly connections: () => number;
  /** Bytes taken from connections that are open. */
  readonly receiving: () => number;
  /** Codes of the requests that were turned away, in their order. */
  readonly turnedAway: readonly ErrorCode[];
  close(): Promise<void>;
}

/** Waits for a condition by asking again and again. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 45_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function digestOf(body: Readable): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of body) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The front of the gateway with one route, `POST /upload`, and `GET /health` that takes no key. */
export async function startUploadServer(options: UploadServerOptions = {}): Promise<UploadServer> {
  const { maxBodyBytes = 1_000_000, headersTimeoutMs = 60_000, tls, read = digestOf } = options;
  let bytesInFlight = 0;
  const turnedAway: ErrorCode[] = [];
  const onTurnedAway = ({ code }: { readonly code: ErrorCode }): void => void turnedAway.push(code);
  const counts = { routed: 0, read: 0, bytes: 0 };
  const admission = new Admission(
    // Stage 2, which asks the queue, is not reached from here.
    {} as JobQueue,
    {
      maxBodyBytes,
      maxBytesInFlight: options.maxBytesInFlight ?? 1e9,
      maxBytesInFlightPerTenant: options.maxBytesInFlightPerTenant ?? 1e9,
      maxWaitingJobsPerLane: 1,
    },
    (total) => {
      bytesInFlight = total;
    },
  );
  const uploads = new ReceiveUpload(admission, {
    maxBodyBytes,
    idleMs: options.idleMs ?? 60_000,
    minBytesPerS: options.minBytesPerS ?? 0,
  });
  const app = fastify({
    serverFactory: (handler: RequestListener) => createHttpServer(handler, { tls, headersTimeoutMs }),
    clientErrorHandler: createClientErrorHandler(onTurnedAway),
    forceCloseConnections: true,
  });
  installEarlyAnswer(app);
  const keys = new ConfiguredKeys([{ tenant: 'alpha', isAdmin: false, key: KEY }]);
  installDoor(app, new KeyRing(keys, undefined), silent, onTurnedAway);
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error, silent));
  app.get('/health', (_request, reply) => reply.send({ status: 'ok' }));
  app.post('/upload', async (request, reply) => {
    counts.routed += 1;
    return uploads.receive(request, reply, (body) => {
      counts.read += 1;
      return read(body);
    });
  });
  const connections = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => {
      connections.delete(socket);
      counts.bytes += socket.bytesRead;
    });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    bytesInFlight: () => bytesInFlight,
    counts,
    turnedAway,
    connections: () => connections.size,
    receiving: () => [...connections].reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    close: () => app.close(),
  };
}

/** A client that says exactly what it is told to, byte for byte, and goes on when the other side has said its last. */
export class RawClient {
  #seen = '';
  #isEnded = false;
  #wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.on('data', (piece: Buffer) => {
      this.#seen += piece.toString('latin1');
      this.#wake();
    });
    for (const event of ['end', 'error', 'close']) {
      socket.on(event, () => {
        this.#isEnded = true;
        this.#wake();
      });
    }
  }

  static async open(port: number, tls?: ConnectionOptions): Promise<RawClient> {
    const address = { host: '127.0.0.1', port, allowHalfOpen: true };
    const socket = tls === undefined ? connect(address) : connectTls({ ...address, ...tls });
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    return new RawClient(socket);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Everything that was received, once it matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#seen)) {
      if (this.#isEnded) throw new Error(`ended without ${String(pattern)}: ${this.#seen}`);
      await this.#change();
    }
    return this.#seen;
  }

  /** Everything that was received, once the other side has said its last or broken off. */
  async ended(): Promise<string> {
    while (!this.#isEnded) await this.#change();
    return this.#seen;
  }

  /** Goes without a word; where the transport can, with a reset. */
  reset(): void {
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  end(): void {
    this.socket.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The head of a `POST /upload` with these further headers. */
export const head = (...headers: string[]): string =>
  ['POST /upload HTTP/1.1', 'Host: x', `Authorization: Bearer ${KEY}`, ...headers, '', ''].join('\r\n');
