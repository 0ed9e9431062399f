import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  head,
  KEY,
  RawClient,
  startUploadServer,
  type UploadServer,
  until,
} from '../upload/testing/upload-server.js';

let server: UploadServer;
const clients: RawClient[] = [];
const open = async (): Promise<RawClient> => {
  const client = await RawClient.open(server.port);
  clients.push(client);
  return client;
};
afterEach(() => {
  for (const client of clients.splice(0)) client.end();
});

describe('the HTTP server', () => {
  beforeAll(async () => {
    server = await startUploadServer({ maxBodyBytes: 100_000, maxBytesInFlight: 150_000 });
  });
  afterAll(() => server.close());

  it('says 100 Continue when a body is wanted, then reads it', async () => {
    const client = await open();
    client.send(head('Content-Length: 5', 'Expect: 100-continue'));
    expect(await client.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    await client.until(/100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*"bytes":5/);
    // The connection goes on.
    client.send(`${head('Content-Length: 3', 'Expect: 100-Continue')}abc`);
    await client.until(/"bytes":3/);
  });

  it.each([
    ['a key that is not known', 401, [`Authorization: Bearer nobody`], 'UNAUTHORIZED'],
    [
      'a declared size over the limit',
      413,
      [`Authorization: Bearer ${KEY}`, 'Content-Length: 100001'],
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'a coding that is not known',
      415,
      [`Authorization: Bearer ${KEY}`, 'Content-Encoding: zstd'],
      'UNSUPPORTED_MEDIA_TYPE',
    ],
  ])('gives its final answer instead of 100 Continue to %s', async (_name, status, headers, code) => {
    const before = server.counts.read;
    const client = await open();
    const length = headers.some((header) => header.startsWith('Content-Length'))
      ? []
      : ['Content-Length: 10'];
    client.send(
      ['POST /upload HTTP/1.1', 'Host: x', 'Expect: 100-continue', ...headers, ...length, '', ''].join(
        '\r\n',
      ),
    );
    const answer = await client.ended();
    expect(answer).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*connection: close[\\s\\S]*${code}`, 'i'),
    );
    expect(answer).not.toContain('100 Continue');
    expect(server.counts.read).toBe(before);
  });

  it('gives its final answer instead of 100 Continue when there is no room', async () => {
    const holder = await open();
    holder.send(`${head('Content-Length: 100000')}x`);
    await until(() => server.bytesInFlight() === 100_000);
    const client = await open();
    client.send(head('Content-Length: 60000', 'Expect: 100-continue'));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: \d[\s\S]*QUEUE_FULL/i);
    holder.end();
    await until(() => server.bytesInFlight() === 0);
  });

  it('refuses other expectations', async () => {
    const client = await open();
    client.send(head('Content-Length: 5', 'Expect: 200-ok'));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [\s\S]*INVALID_REQUEST/);
  });

  it('takes an expectation on a route without a body as no matter', async () => {
    const client = await open();
    client.send('GET /health HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n');
    expect(await client.until(/\{"status":"ok"\}/)).not.toContain('100 Continue');
  });

  it('serves HTTP/1.0, which knows neither chunks nor 100 Continue', async () => {
    const client = await open();
    const body = randomBytes(50_000);
    client.send(
      `POST /upload HTTP/1.0\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 50000\r\nExpect: 100-continue\r\n\r\n`,
    );
    client.send(body);
    const answer = await client.ended();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*connection: close[\s\S]*"bytes":50000/i);
    expect(answer).not.toMatch(/100 Continue|transfer-encoding/i);
    const chunked = await open();
    chunked.send(
      `POST /upload HTTP/1.0\r\nAuthorization: Bearer ${KEY}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    );
    expect(await chunked.ended()).toMatch(/^HTTP\/1\.1 400 [\s\S]*INVALID_REQUEST/);
  });

  const behind = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';
  it.each([
    ['two ways of length', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    [
      'two ways of length, the other way around',
      ['Transfer-Encoding: chunked', 'Content-Length: 5'],
      '0\r\n\r\n',
    ],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6'], 'hello!'],
    ['the same length twice', ['Content-Length: 5', 'Content-Length: 5'], 'hello'],
    ['a list of lengths', ['Content-Length: 5, 5'], 'hello'],
    ['a signed length', ['Content-Length: +5'], 'hello'],
    ['a negative length', ['Content-Length: -5'], 'hello'],
    ['a hexadecimal length', ['Content-Length: 0x5'], 'hello'],
    ['a length beyond any number', ['Content-Length: 99999999999999999999999'], 'hello'],
    ['an empty length', ['Content-Length: '], 'hello'],
    ['chunked that is not last', ['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n'],
    ['chunked twice', ['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n'],
    ['a coded transfer', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'],
    ['an unknown transfer', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['a blank before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
    ['a header that is folded', ['Transfer-Encoding:\r\n chunked'], '0\r\n\r\n'],
    ['a line feed in a header', ['X: a\nTransfer-Encoding: chunked'], '0\r\n\r\n'],
    ['a carriage return in a header', ['X: a\rTransfer-Encoding: chunked'], '0\r\n\r\n'],
    ['a chunk size that is no number', ['Transfer-Encoding: chunked'], 'zz\r\nhello\r\n0\r\n\r\n'],
    ['a negative chunk size', ['Transfer-Encoding: chunked'], '-5\r\nhello\r\n0\r\n\r\n'],
    [
      'a chunk size beyond any number',
      ['Transfer-Encoding: chunked'],
      'ffffffffffffffffff\r\nhello\r\n0\r\n\r\n',
    ],
    ['a chunk longer than its size', ['Transfer-Encoding: chunked'], '4\r\nhello\r\n0\r\n\r\n'],
    ['a chunk that ends in a line feed alone', ['Transfer-Encoding: chunked'], '5\r\nhello\n0\r\n\r\n'],
    [
      'chunk extensions without end',
      ['Transfer-Encoding: chunked'],
      `5;${'x'.repeat(40_000)}\r\nhello\r\n0\r\n\r\n`,
    ],
  ])('takes %s for a broken request: 400, and nothing behind it is served', async (_name, headers, body) => {
    const client = await open();
    client.send(head(...headers) + body + behind);
    const answer = await client.ended();
    client.socket.end();
    expect(answer).toMatch(/^HTTP\/1\.1 4(00|13) [\s\S]*connection: close[\s\S]*"INVALID_REQUEST"/i);
    expect(answer).not.toContain('"status":"ok"');
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    await until(() => server.connections() === 0);
    expect(server.bytesInFlight()).toBe(0);
  });

  it.each([
    ['no key', 'GET /upload HTTP/1.1\r\nHost: x\r\n\r\n', 'UNAUTHORIZED'],
    ['a framing that we do not take', head('Transfer-Encoding: gzip'), 'INVALID_REQUEST'],
    ['no HTTP', 'NO HTTP AT ALL\r\n\r\n', 'INVALID_REQUEST'],
    ['too many headers', head(`X: ${'x'.repeat(20_000)}`), 'HEADERS_TOO_LARGE'],
  ])('counts a request with %s as turned away, once', async (_name, words, code) => {
    const before = server.turnedAway.length;
    const client = await open();
    client.send(words);
    await client.until(new RegExp(code));
    expect(server.turnedAway.slice(before)).toEqual([code]);
  });

  it('counts a request that breaks in its body where it is handled', async () => {
    const before = server.turnedAway.length;
    const client = await open();
    client.send(`${head('Transfer-Encoding: chunked')}5\r\nhello`);
    await until(() => server.bytesInFlight() === 5);
    client.send('zz\r\n');
    await client.until(/INVALID_REQUEST/);
    expect(server.turnedAway.slice(before)).toEqual([]);
  });

  it('takes a body in chunks of any size, cut at every byte', async () => {
    const wire = `${head('Transfer-Encoding: chunked')}1;a=b\r\nh\r\n3\r\nell\r\n01\r\no\r\n0\r\nX-Trailer: y\r\n\r\n`;
    const client = await open();
    for (let at = wire.indexOf('\r\n\r\n') + 4; at < wire.length; at += 7) {
      client.send(wire.slice(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      client.send(wire.slice(at));
      const seen = await client.until(/"bytes":5/);
      expect(seen).toContain('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    }
    const bytewise = await open();
    for (const byte of wire) {
      bytewise.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await bytewise.until(/"bytes":5/);
  });

  it('reads no more than the declared length: what follows is the next request', async () => {
    const client = await open();
    client.send(`${head('Content-Length: 3')}abc${head('Content-Length: 2')}de`);
    await client.until(/"bytes":3[\s\S]*"bytes":2/);
  });

  it('ends an answer that is under way rather than write another into it', async () => {
    const client = await open();
    client.send(`${head('Content-Length: 3')}abcNO HTTP AT ALL\r\n\r\n`);
    const answer = await client.ended();
    expect(answer.match(/HTTP\/1\.1 \d+/g)?.length ?? 0).toBeLessThanOrEqual(2);
    expect(answer).not.toMatch(/HTTP\/1\.1 400[\s\S]*HTTP\/1\.1 200/);
    await until(() => server.connections() === 0);
  });

  it('closes a broken connection itself, however long the client stays', async () => {
    const client = await open();
    client.send(`${head('Transfer-Encoding: chunked')}zz\r\n`);
    await client.until(/INVALID_REQUEST/);
    await until(() => server.connections() === 0);
  });
});

describe('a client that is slow with its headers', () => {
  beforeAll(async () => {
    server = await startUploadServer({ headersTimeoutMs: 400 });
  });
  afterAll(() => server.close());

  it.each([
    ['that says nothing at all', ''],
    ['that stops in the middle', 'POST /upload HTTP/1.1\r\nHost: x\r\nX-A: '],
  ])('%s is answered 408 and closed', async (_name, words) => {
    const client = await open();
    const before = server.turnedAway.length;
    client.send(words);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 408 Request Timeout[\s\S]*REQUEST_TIMEOUT/);
    expect(server.turnedAway.slice(before)).toEqual(['REQUEST_TIMEOUT']);
    await until(() => server.connections() === 0);
  });

  it('that drips is answered 408: every byte counts on the same clock', async () => {
    const client = await open();
    client.send('POST /upload HTTP/1.1\r\nHost: x\r\nX-A: ');
    const drip = setInterval(() => client.send('x'), 20);
    const answer = await client.ended();
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1\.1 408/);
  });

  it('has no say over the body: a quick head may have a slow body', async () => {
    const client = await open();
    client.send(`${head('Content-Length: 3')}a`);
    await new Promise((resolve) => setTimeout(resolve, 800));
    client.send('bc');
    await client.until(/"bytes":3/);
  });
});
