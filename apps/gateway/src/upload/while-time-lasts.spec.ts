import { PassThrough } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';
import { whileTimeLasts } from './while-time-lasts.js';

async function lengthOf(body: AsyncIterable<Buffer>): Promise<number> {
  let length = 0;
  for await (const piece of body) length += piece.length;
  return length;
}

describe('whileTimeLasts', () => {
  it('gives what the work gives, and listens no longer', async () => {
    const controller = new AbortController();
    const body = new PassThrough();
    body.end('abc');
    expect(await whileTimeLasts(body, controller.signal, () => lengthOf(body))).toBe(3);
    const other = new PassThrough();
    await whileTimeLasts(other, controller.signal, async () => 'done');
    controller.abort(new FoveaError('TIMEOUT'));
    expect(other.destroyed).toBe(false);
  });

  it.each([
    ['TIMEOUT', 'REQUEST_TIMEOUT'],
    ['CLIENT_CLOSED', 'CLIENT_CLOSED'],
  ] as const)('ends a silent body on %s with %s, and keeps the limit', async (reason, code) => {
    const controller = new AbortController();
    const body = new PassThrough();
    const limit = { name: 'request_timeout_s', value: 300 };
    const working = whileTimeLasts(body, controller.signal, () => lengthOf(body));
    body.write('a');
    controller.abort(new FoveaError(reason, { limit }));
    await expect(working).rejects.toMatchObject({ code, limit });
  });

  it('does not begin to wait when the time was up before', async () => {
    const body = new PassThrough();
    const signal = AbortSignal.abort(new FoveaError('TIMEOUT'));
    await expect(whileTimeLasts(body, signal, () => lengthOf(body))).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    });
  });
});
