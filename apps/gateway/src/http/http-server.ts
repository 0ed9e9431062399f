import http from 'node:http';
import https from 'node:https';
import { isLeaving } from './linger.js';

export interface HttpServerOptions {
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** How long a client may take to send the headers of a request, or to shake hands. */
  readonly headersTimeoutMs: number;
}

/** Longer than the idle time of usual load balancers (60 s), so that it is they who close an idle connection. */
const KEEP_ALIVE_MS = 72_000;

/**
 * Node's server with our timeouts. Expectations go to the handler like any request: whoever admits the body says
 * `100 Continue`, and a refusal before that is the final answer. Time limits of a body are kept where it is read.
 */
export function createHttpServer(
  handler: http.RequestListener,
  { tls, headersTimeoutMs }: HttpServerOptions,
): http.Server | https.Server {
  const options: http.ServerOptions = {
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.max(headersTimeoutMs / 8, 100),
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const listener: http.RequestListener = (request, response) => {
    // A request pipelined behind one whose answer closes the connection: nobody would get its answer.
    if (!isLeaving(request.socket)) handler(request, response);
  };
  const server =
    tls === undefined
      ? http.createServer(options, listener)
      : https.createServer({ ...options, ...tls, handshakeTimeout: headersTimeoutMs }, listener);
  return server.on('checkContinue', listener).on('checkExpectation', listener);
}
