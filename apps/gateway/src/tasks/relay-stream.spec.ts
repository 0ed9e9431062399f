import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { StreamEntry } from '@fovea/token-stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ChatAnswer } from '../chat/answer/chat-answer.js';
import { ChatChunks } from '../chat/answer/chat-chunks.js';
import { SseResponse } from '../http/sse-response.js';
import { beginAnswer, collectEvents } from './begin-answer.js';
import { relayStream } from './relay-stream.js';

const head = { id: 'chatcmpl-1', created: 1, model: 'm' };
const usage = { promptTokens: 1, completionTokens: 2 };
const start: GenerationEvent = { type: 'generation-start', queueTimeMs: 12, attempt: 1 };
const text: GenerationEvent = { type: 'text-delta', index: 0, text: 'hi' };
const stop: GenerationEvent = { type: 'choice-end', index: 0, finishReason: 'stop' };
const end: GenerationEvent = { type: 'generation-end', usage };
const failed: GenerationEvent = { type: 'error', code: 'BACKEND_ERROR', message: 'gone', usage };

async function* entries(...groups: GenerationEvent[][]): AsyncGenerator<StreamEntry> {
  for (const [index, events] of groups.entries()) yield { id: index + 1, events };
}

describe('the first entry', () => {
  it('is read before anything is sent, and carries the queue time', async () => {
    const begun = await beginAnswer(entries([start, text], [stop, end]));
    expect(begun.queueTimeMs).toBe(12);
    const answer = new ChatAnswer(head, 1, false);
    const last = await collectEvents(begun.entries, (event) => answer.add(event));
    const wire = answer.toWire(last);
    expect(wire.choices[0]?.message.content).toBe('hi');
    expect(wire.usage.total_tokens).toBe(3);
  });

  it('that is an error is thrown, so that it becomes a status', async () => {
    await expect(beginAnswer(entries([failed]))).rejects.toMatchObject({
      code: 'BACKEND_ERROR',
      status: 502,
    });
    await expect(beginAnswer(entries([start, failed]))).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
    await expect(beginAnswer(entries())).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('a relayed stream', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function relayed(source: AsyncGenerator<StreamEntry>): Promise<{ body: string; broken: boolean }> {
    server = createServer((_request, response) => {
      // What a framework may have set before.
      response.statusCode = 201;
      const sse = new SseResponse(response, {}, new AbortController().signal);
      const chunks = new ChatChunks({ head, choices: 1, includeUsage: false, logprobs: false });
      relayStream(source, chunks, sse).catch((error: unknown) => response.destroy(FoveaError.from(error)));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    let body = '';
    try {
      for await (const piece of answer.body ?? []) body += Buffer.from(piece).toString();
      return { body, broken: false };
    } catch {
      return { body, broken: true };
    }
  }

  it('ends with [DONE] when it is whole', async () => {
    const { body, broken } = await relayed(entries([start, text], [stop, end]));
    expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(broken).toBe(false);
  });

  it('that is over with its first entry has the status and the headers of any other', async () => {
    const { body, broken } = await relayed(entries([start, text, stop, end]));
    expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(broken).toBe(false);
  });

  it('that breaks ends with the error event, no [DONE], and a connection that nobody takes for complete', async () => {
    const { body, broken } = await relayed(entries([start, text], [failed]));
    const last = body.trim().split('\n\n').at(-1) ?? '';
    expect(JSON.parse(last.slice('data: '.length))).toMatchObject({
      error: { code: 'BACKEND_ERROR', message: 'gone' },
      usage: { completion_tokens: 2 },
    });
    expect(body).not.toContain('[DONE]');
    expect(broken).toBe(true);
  });
});
