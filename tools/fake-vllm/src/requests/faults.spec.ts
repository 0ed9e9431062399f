import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, type Fault, startFakeVllm } from '../index.js';
import { SpecClient } from '../spec-client.js';

let fake: FakeVllm;
let client: SpecClient;

beforeEach(async () => {
  fake = await startFakeVllm();
  client = new SpecClient(fake);
});

afterEach(() => fake.close());

const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], stream: true });

function request(path = '/v1/chat/completions', length = body.length): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
}

/** What the engine writes to a raw socket, and how it ends it. */
async function talk(send: string): Promise<{ text: string; error: string; socket: Socket }> {
  const socket = connect(fake.port, '127.0.0.1');
  let text = '';
  let error = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? '';
  });
  socket.write(send);
  await new Promise<void>((resolve) => {
    for (const event of ['end', 'close']) socket.once(event, () => resolve());
  });
  return { text, error, socket };
}

const play = async (fault: Fault): Promise<{ text: string; error: string; socket: Socket }> => {
  fake.script({ behaviour: { tokens: ['a', 'b', 'c'], fault } });
  return talk(request() + body);
};

describe('faults of the connection', () => {
  it.each(['crash', 'reset'] as const)('%s: a reset before the first byte', async (kind) => {
    expect(await play({ kind })).toMatchObject({ text: '', error: 'ECONNRESET' });
    expect(fake.counters).toMatchObject({ requests: 1, running: 0, finished: { error: 1 } });
  });

  it('reset: in mid-stream, after exactly the scripted tokens', async () => {
    const { text, error } = await play({ kind: 'reset', afterTokens: 2 });
    expect(text).toContain('"content":"b"');
    expect(text).not.toContain('"content":"c"');
    expect(error).toBe('ECONNRESET');
  });

  it('half-close: an end in mid-stream, while the other half is still read', async () => {
    const { text, error, socket } = await play({ kind: 'half-close', afterTokens: 1 });
    expect(text).toContain('"content":"a"');
    expect(text).not.toContain('0\r\n\r\n');
    expect(error).toBe('');
    socket.destroy();
  });

  it('garbage: bytes that are no HTTP, or no chunk', async () => {
    const bytes = Buffer.from('nonsense').toString('base64');
    expect((await play({ kind: 'garbage', bytes })).text).toBe('nonsense');
    const late = await play({ kind: 'garbage', bytes, afterTokens: 1 });
    expect(late.text).toMatch(/"content":"a".*nonsense$/s);
  });

  it('hang: not a byte before the client leaves', async () => {
    fake.script({ behaviour: { fault: { kind: 'hang' } } });
    const controller = new AbortController();
    const answer = client.chat({}, { signal: controller.signal });
    await fake.waitFor('request');
    const other = await client.chat();
    expect(other.status).toBe(200);
    controller.abort();
    await expect(answer).rejects.toThrow();
    await fake.waitFor('aborted');
  });

  it('early-status: an answer while the body is still on its way, and the end of the connection', async () => {
    fake.script({
      behaviour: { fault: { kind: 'early-status', status: 413, message: 'too big', form: 'plain' } },
    });
    const { text } = await talk(request(undefined, 1_000_000) + body);
    expect(text).toMatch(/^HTTP\/1.1 413 .*connection: close.*too big$/s);
    expect(fake.counters.requests).toBe(0);
  });

  it('match a route where a script names one', async () => {
    fake.script({ route: '/v1/embeddings', behaviour: { fault: { kind: 'crash' } } });
    expect((await client.chat()).status).toBe(200);
    await expect(client.post('/v1/embeddings', { input: 'x' })).rejects.toThrow();
  });
});

describe('an abort', () => {
  it('stops a generation within one step of the socket closing', async () => {
    fake.script({ behaviour: { interTokenMs: 5 } });
    const controller = new AbortController();
    const response = await client.chat(
      { stream: true, max_tokens: 1000, ignore_eos: true },
      { signal: controller.signal },
    );
    await fake.waitFor('token', { tokens: 3 });
    controller.abort();
    await expect(response.text()).rejects.toThrow();
    await fake.waitFor('disconnected');
    const { generationTokens } = fake.counters;
    const { tokens } = await fake.waitFor('aborted');
    expect((tokens ?? 0) - generationTokens).toBeLessThanOrEqual(1);
    expect(fake.counters).toMatchObject({ running: 0, aborted: 1, finished: { abort: 1 } });
  });

  it('takes a waiting request out of the queue', async () => {
    const small = await startFakeVllm({ maxRunning: 1 });
    const talker = new SpecClient(small);
    const hold = small.hold();
    const first = talker.chat();
    await hold.reached();
    const controller = new AbortController();
    const second = talker.chat({}, { signal: controller.signal });
    await small.waitFor('queued');
    controller.abort();
    await expect(second).rejects.toThrow();
    await small.waitFor('aborted');
    expect(small.counters).toMatchObject({ running: 1, waiting: 0, aborted: 1 });
    hold.release();
    expect((await first).status).toBe(200);
    await small.close();
  });

  it('of an upload is no refusal', async () => {
    const socket = connect(fake.port, '127.0.0.1');
    socket.write(`${request(undefined, 1_000_000)}{"messages"`);
    await once(socket, 'connect');
    await new Promise((resolve) => socket.write(':', resolve));
    while (fake.counters.connections === 0) await new Promise(setImmediate);
    socket.destroy();
    await fake.waitFor('aborted');
    expect(fake.counters).toMatchObject({ abandoned: 1, refused: 0, requests: 0 });
  });
});
