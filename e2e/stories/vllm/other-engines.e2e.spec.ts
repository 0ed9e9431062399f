import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readStream } from '../../support/sse-reader.js';
import { System } from '../../support/system.js';
import { workerToml } from '../../support/workers.js';

const MODEL = 'gpt-4o';
const ANSWER = 'Hello from an engine that somebody else wrote, in a few pieces.';

/** Written by others, after OpenAI's protocol and not vLLM's: it says no context length and has no `/version`. */
describe('an independent simulator behind the adapter', () => {
  let engine: LLMock;
  let system: System;

  beforeAll(async () => {
    engine = new LLMock({ port: 0, logLevel: 'silent' });
    engine.onMessage(/hello simulator/, { content: ANSWER });
    engine.onMessage(/break off/, { content: ANSWER }, { truncateAfterChunks: 2 });
    engine.onMessage(/too many/, {
      error: { message: 'out of luck', type: 'server_error' },
      status: 500,
    });
    const engineUrl = await engine.start();
    system = await System.start({ engineUrl });
    const toml = workerToml(MODEL, { multimodal: false });
    await system.startAdapter('other', toml.replace('[queue]', 'max_model_len = 4096\n[queue]'));
    await system.untilModel(MODEL, 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.stop();
  });

  const ask = (content: string, stream: boolean): Promise<Response> =>
    system.chat({ model: MODEL, stream, messages: [{ role: 'user', content }] });

  it('answers in one piece', async () => {
    const answer = await ask('hello simulator', false);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 200,
      body: {
        choices: [{ message: { content: ANSWER }, finish_reason: 'stop' }],
        usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
      },
    });
  });

  it('answers as a stream', async () => {
    const { text, done, chunks } = await readStream(await ask('hello simulator', true));
    expect({ text, done }).toEqual({ text: ANSWER, done: true });
    expect(chunks.length).toBeGreaterThan(3);
  });

  it.each(['break off', 'too many'])(
    'fails before its first word, and the client is told: %s',
    async (text) => {
      const answer = await ask(text, true);
      expect({ status: answer.status, body: await answer.json() }).toMatchObject({
        status: 502,
        body: { error: { code: 'BACKEND_ERROR' } },
      });
    },
  );

  it('nothing is left behind', () => system.untilClean());
});
