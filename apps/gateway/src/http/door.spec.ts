import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { type ErrorCode, FoveaError } from '@fovea/errors';
import { createLogger } from '@fovea/observability';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FastifyInstance, fastify } from 'fastify';
import { ConfiguredKeys } from '../auth/configured-keys.js';
import { KeyRing } from '../auth/key-ring.js';
import type { Principal } from '../auth/principal.js';
import { installDoor } from './door.js';
import { principalOf } from './request-context.js';

const silent = createLogger({ service: 'test', level: 'silent', destination: new PassThrough() });

describe('the door, while the store of created keys is asked', () => {
  let app: FastifyInstance;
  let port: number;
  let asked: PromiseWithResolvers<string>;
  let answer: PromiseWithResolvers<Principal | undefined>;
  let turnedAway: PromiseWithResolvers<ErrorCode>;
  let served: number;

  beforeEach(async () => {
    asked = withResolvers();
    answer = withResolvers();
    turnedAway = withResolvers();
    served = 0;
    const created = {
      authenticate: (secret: string) => {
        asked.resolve(secret);
        return answer.promise;
      },
    };
    const configured = new ConfiguredKeys([{ tenant: 'acme', isAdmin: false, key: 'configured' }]);
    app = fastify({ forceCloseConnections: true });
    installDoor(app, new KeyRing(configured, created), silent, ({ code }) => turnedAway.resolve(code));
    app.get('/who', (request) => {
      served += 1;
      return principalOf(request);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = app.server.address() as AddressInfo);
  });
  afterEach(() => app.close());

  const ask = (key: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/who`, { headers: { authorization: `Bearer ${key}` } });

  it('lets in whom it names', async () => {
    const waiting = ask('created');
    expect(await asked.promise).toBe('created');
    answer.resolve({ tenant: 'beta', isAdmin: false });
    const entered = await waiting;
    expect([entered.status, await entered.json()]).toEqual([200, { tenant: 'beta', isAdmin: false }]);
  });

  it('lets configured keys pass meanwhile', async () => {
    const waiting = ask('created');
    await asked.promise;
    expect((await ask('configured')).status).toBe(200);
    answer.resolve(undefined);
    const refused = await waiting;
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('asks to come again when it does not answer', async () => {
    const waiting = ask('created');
    answer.reject(new FoveaError('SERVICE_UNAVAILABLE', { retryAfterS: 2 }));
    const refused = await waiting;
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await turnedAway.promise).toBe('SERVICE_UNAVAILABLE');
  });

  it('begins nothing for who has left by then', async () => {
    const left = new Promise<void>((resolve) => {
      app.server.once('connection', (socket) => socket.once('close', () => resolve()));
    });
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.write('GET /who HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer created\r\n\r\n');
    await asked.promise;
    client.destroy();
    await left;
    answer.resolve({ tenant: 'beta', isAdmin: false });
    expect(await turnedAway.promise).toBe('CLIENT_CLOSED');
    expect(served).toBe(0);
  });
});

describe('the door, for a target that is written in an odd way', () => {
  let app: FastifyInstance;
  beforeEach(async () => {
    app = fastify({ forceCloseConnections: true });
    const created = { authenticate: async () => undefined };
    installDoor(app, new KeyRing(new ConfiguredKeys([]), created), silent, () => undefined);
    for (const path of ['/models', '/v1/models', '/docs/*', '/playground/page']) app.get(path, () => path);
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(() => app.close());

  // A client sends these as they stand, so none goes through a URL parser.
  it.each([
    ['/models', 401],
    ['/%6dodels', 401],
    ['/%761/models', 401],
    ['/v1/%6d%6f%64%65%6c%73', 401],
    ['http://h/v1/models', 401],
    ['HTTPS://h/docs/../models', 401],
    ['http://h/docs/', 401],
    ['//models', 401],
    ['//docs/x', 401],
    ['/v1//models', 401],
    ['/models/', 401],
    ['/MODELS', 401],
    ['/models?/docs/', 401],
    ['/models#/docs/', 401],
    ['/models;/docs/', 401],
    ['/playground/../models', 404],
    ['/playground/%2e%2e/models', 404],
    ['/docs/../models', 200],
  ])('asks for a key, or serves what is public and nothing else: %s', async (path, status) => {
    const { port: own } = app.server.address() as AddressInfo;
    for (const method of ['GET', 'HEAD']) {
      const request = httpRequest({ port: own, method, path }).end();
      const [response]: IncomingMessage[] = await once(request, 'response');
      let body = '';
      for await (const bytes of response!) body += bytes;
      expect(response!.statusCode).toBe(status);
      if (status === 200 && method === 'GET') expect(body).toBe('/docs/*');
    }
  });
});

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}
