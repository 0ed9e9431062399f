import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Logger } from './log/logger.js';

export interface Readiness {
  readonly ready: boolean;
  /** What was looked at, and how it is: `{ redis: 'ok', 'blob-store': 'no such folder' }`. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface OpsServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly registry: Registry;
  /** Asked anew for each `/health/ready`; counts as not ready when it throws or takes longer than 2 s. */
  readonly readiness: () => Promise<Readiness>;
  readonly logger?: Logger;
}

export interface OpsServer {
  readonly port: number;
  close(): Promise<void>;
}

const READINESS_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 10_000;

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

const sendJson = (response: ServerResponse, status: number, body: object): void =>
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);

async function askReadiness({ readiness, logger }: OpsServerOptions): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((resolve) => {
    const answer = { ready: false, checks: { readiness: `no answer within ${READINESS_TIMEOUT_MS} ms` } };
    timer = setTimeout(() => resolve(answer), READINESS_TIMEOUT_MS);
    timer.unref();
  });
  try {
    return await Promise.race([readiness(), late]);
  } catch (error) {
    logger?.warn({ err: error }, 'readiness check failed');
    return { ready: false, checks: { readiness: 'the check failed, see the log' } };
  } finally {
    clearTimeout(timer);
  }
}

async function answer(path: string, response: ServerResponse, options: OpsServerOptions): Promise<void> {
  if (path === '/health/live') return sendJson(response, 200, { live: true });
  if (path === '/health/ready') {
    const readiness = await askReadiness(options);
    return sendJson(response, readiness.ready ? 200 : 503, readiness);
  }
  if (path === '/metrics') {
    return send(response, 200, options.registry.contentType, await options.registry.metrics());
  }
  return sendJson(response, 404, { error: 'Not found. Try /health/live, /health/ready or /metrics.' });
}

/** Health and metrics on a port of their own, apart from the data path. Rejects when the port cannot be bound. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    request.resume();
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const path = isRead ? (request.url ?? '').replace(/\?.*$/s, '') : '';
    answer(path, response, options).catch((error: unknown) => {
      options.logger?.error({ err: error }, 'ops request failed');
      if (!response.headersSent) sendJson(response, 500, { error: 'Failed, see the log.' });
      else response.destroy();
    });
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
