import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ErrorCode } from '@fovea/errors';
import { createLogger } from '@fovea/observability';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FastifyInstance, fastify } from 'fastify';
import { endConnectionsOnClose } from './end-connections-on-close.js';
import { createUnroutedHandler } from './unrouted.js';

const silent = createLogger({ service: 'test', level: 'silent', destination: new PassThrough() });

describe('what is refused before its route is known', () => {
  let app: FastifyInstance;
  let url: string;
  let turnedAway: ErrorCode[];
  /** What is answered when the server has begun to close and still takes connections. */
  let seen: Awaited<ReturnType<typeof ask>> | undefined;

  beforeEach(async () => {
    turnedAway = [];
    const note = ({ code }: { code: ErrorCode }): void => void turnedAway.push(code);
    app = fastify({
      return503OnClosing: false,
      routerOptions: { maxParamLength: 8 },
      frameworkErrors: createUnroutedHandler(silent, note),
    });
    endConnectionsOnClose(app, silent, note);
    app.addHook('preClose', async () => {
      seen = await ask('/users/me');
    });
    app.get('/users/me', () => 'hi');
    app.get('/models/:name', () => 'a model');
    await app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  });
  afterEach(() => app.close());

  const ask = async (path: string): Promise<{ answer: Response; body: unknown }> => {
    const answer = await fetch(`${url}${path}`);
    return { answer, body: await answer.json() };
  };

  it.each([
    ['/models/%ff', 'The path is not valid.'],
    ['/models/of-a-long-name', 'The path is too long.'],
  ])('%s is answered in our form, with an id', async (path, message) => {
    const { answer, body } = await ask(path);
    expect(answer.status).toBe(400);
    expect(body).toMatchObject({ error: { message, code: 'INVALID_REQUEST' }, code: 'INVALID_REQUEST' });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(turnedAway).toEqual(['INVALID_REQUEST']);
  });

  it('a request to a server that closes is told to come again, in the dialect of its route', async () => {
    await app.close();
    expect(seen?.answer.status).toBe(503);
    expect(seen?.answer.headers.get('retry-after')).toBe('1');
    expect(seen?.answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen?.body).toEqual({ error: 'This gateway is shutting down.', code: 'SERVICE_UNAVAILABLE' });
    expect(turnedAway).toEqual(['SERVICE_UNAVAILABLE']);
  });

  it('a connection that has sent no request does not hold up the close', async () => {
    const accepted = once(app.server, 'connection');
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    await accepted;
    const ended = once(client, 'close');
    await app.close();
    await ended;
  });
});
