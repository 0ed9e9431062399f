import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CompletionGeneration, isEngineGone } from '../index.js';
import { LlamaCppBackend } from './llama-cpp-backend.js';

const request: CompletionGeneration = {
  kind: 'completion',
  requestId: '01920000-0000-7000-8000-000000000006',
  model: 'm',
  prompts: [[{ type: 'text', text: 'Once' }]],
  sampling: { maxTokens: 3, stop: ['.'] },
  contextTokens: 512,
};
const frame = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const end = { content: '', stop: true, stop_type: 'eos', tokens_evaluated: 2, tokens_predicted: 2 };
const { signal } = new AbortController();

describe('the backend of the guide', () => {
  let server: Server;
  let backend: LlamaCppBackend;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  beforeEach(async () => {
    server = createServer((incoming, response) => answer(incoming, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    backend = new LlamaCppBackend(`http://127.0.0.1:${Object(address).port}`, 'm');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const generate = async (wanted = request): Promise<GenerationEvent[]> => {
    const events: GenerationEvent[] = [];
    for await (const some of backend.generate(wanted, signal)) events.push(...some);
    return events;
  };

  it('is what the guide shows', async () => {
    const guide = await readFile(
      new URL('../../../../docs/guides/write-a-backend.md', import.meta.url),
      'utf8',
    );
    const blocks = [...guide.matchAll(/<!-- (\S+) -->\s+```ts\n(.*?)```/gs)];
    expect(blocks).toHaveLength(1);
    const [, file = '', code] = blocks[0] ?? [];
    expect(code).toBe(await readFile(new URL(`../../../../${file}`, import.meta.url), 'utf8'));
  });

  it('sends the prompt and the sampling, and turns pieces into events', async () => {
    let body = '';
    answer = async (incoming, response) => {
      for await (const chunk of incoming) body += chunk;
      response.write(frame({ content: ' upon', stop: false }) + frame({ content: ' ä', stop: false }));
      response.end(frame({ ...end, stop_type: 'limit' }));
    };
    expect(await generate()).toEqual([
      { type: 'text-delta', index: 0, text: ' upon' },
      { type: 'text-delta', index: 0, text: ' ä' },
      { type: 'choice-end', index: 0, finishReason: 'length' },
      { type: 'generation-end', usage: { promptTokens: 2, completionTokens: 2 } },
    ]);
    expect(JSON.parse(body)).toMatchObject({ prompt: 'Once', n_predict: 3, stop: ['.'], stream: true });
  });

  it('closes the socket of the engine when it is aborted', async () => {
    const closed = new Promise<void>((resolve) => {
      answer = (incoming, response) => {
        incoming.socket.on('close', () => resolve());
        response.write(frame({ content: 'a', stop: false }));
      };
    });
    const controller = new AbortController();
    const events = backend.generate(request, controller.signal);
    expect((await events.next()).value).toHaveLength(1);
    const next = events.next();
    controller.abort(new FoveaError('CANCELLED'));
    await expect(next).rejects.toMatchObject({ code: 'CANCELLED' });
    await closed;
  });

  it('takes a stream without an end for a failure', async () => {
    answer = (_incoming, response) => response.end(frame({ content: 'a', stop: false }));
    await expect(generate()).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
    answer = (_incoming, response) => response.end('data: nonsense\n\n');
    await expect(generate()).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
  });

  it.each([
    [400, { error: { type: 'exceed_context_size_error' } }, 'CONTEXT_LENGTH_EXCEEDED'],
    [400, { error: { type: 'invalid_request_error' } }, 'INVALID_REQUEST'],
    [503, { error: { type: 'unavailable_error' } }, 'QUEUE_FULL'],
    [500, {}, 'BACKEND_ERROR'],
  ])('turns %i %j into %s', async (status, body, code) => {
    answer = (_incoming, response) => response.writeHead(status).end(JSON.stringify(body));
    await expect(generate()).rejects.toMatchObject({ code });
  });

  it('refuses what the engine does not do', async () => {
    const picture = { prompts: [[{ type: 'token-ids' as const, tokenIds: [1] }]] };
    await expect(generate({ ...request, ...picture })).rejects.toMatchObject({ code: 'MISSING_CAPABILITY' });
    await expect(backend.embed()).rejects.toMatchObject({ code: 'MISSING_CAPABILITY' });
  });

  it('tells its model, its tokens and its health', async () => {
    answer = (incoming, response) => {
      const answers: Record<string, object> = {
        '/props': { default_generation_settings: { n_ctx: 2_048 } },
        '/tokenize': { tokens: [1, 2] },
        '/detokenize': { content: 'ab' },
        '/health': { status: 'ok' },
      };
      response.end(JSON.stringify(answers[incoming.url ?? '']));
    };
    expect(await backend.models(signal)).toEqual([{ id: 'm', maxModelLen: 2_048 }]);
    const ids = { requestId: request.requestId, model: 'm' };
    expect(await backend.tokens.tokenize({ ...ids, text: 'ab' }, signal)).toEqual({ tokenIds: [1, 2] });
    expect(await backend.tokens.detokenize({ ...ids, tokenIds: [1, 2] }, signal)).toBe('ab');
    await backend.checkHealth(signal);
  });

  it('tells an engine that is gone', async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    const askings = [() => generate(), () => backend.checkHealth(signal), () => backend.models(signal)];
    for (const ask of askings) {
      const error = await ask().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(isEngineGone(error)).toBe(true);
    }
  });
});
