import { describe, expect, it } from '@jest/globals';
import { scriptedGateway } from '../testing/scripted-gateway.js';
import { askHttp } from './ask-http.js';

const { signal } = new AbortController();

describe('askHttp', () => {
  it('brings status, text and how far the other clock is off', async () => {
    await using server = await scriptedGateway((_request, response) => {
      response.writeHead(418, { date: new Date(Date.now() - 3_600_000).toUTCString() }).end('tea');
    });
    const answer = await askHttp(`${server.url}/x`, 'key', signal);
    expect(answer).toMatchObject({ status: 418, body: 'tea' });
    expect(server.seen).toMatchObject([{ method: 'GET', path: '/x', authorization: 'Bearer key' }]);
    if (answer.status === undefined) throw new Error('no answer');
    expect((answer.clockSkewMs ?? 0) / 60_000).toBeCloseTo(-60, 0);
  });

  it('says why nothing came', async () => {
    expect(await askHttp('http://127.0.0.1:1', undefined, signal)).toEqual({
      status: undefined,
      reason: 'connection refused',
    });
  });

  it('throws when the command was cancelled', async () => {
    const cancelled = AbortSignal.abort(new Error('Ctrl-C'));
    await expect(askHttp('http://127.0.0.1:1', undefined, cancelled)).rejects.toThrow('Ctrl-C');
  });
});
