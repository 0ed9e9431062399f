import { describeIf, pythonClients } from '@fovea/testing';
import { beforeAll, expect, it } from '@jest/globals';
import { runPython, type Told } from './run-client.js';
import { type ClientWorld, describer, hearer } from './world.js';

const city = expect.stringMatching(/^\{"city":\s*"(?:Rome|Oslo)"\}$/);
const oslo = expect.stringContaining('Oslo');
const green = expect.stringMatching(/green/i);
const text = expect.stringMatching(/./);
const usage = { usage: expect.any(Number), text: green };

/** One run of a script tells of all features; each test looks at one. */
function suiteOf(
  world: () => ClientWorld,
  name: string,
  script: string,
  tests: (told: (feature: string) => unknown) => void,
): void {
  describeIf(pythonClients, name, () => {
    let seen: Told;
    beforeAll(async () => {
      seen = await runPython(world(), script);
    }, 120_000);
    tests((feature) => seen[feature]);
  });
}

const pieces = (told: unknown): number => (told as { pieces: number }).pieces;

export function alephAlphaSyncSuite(world: () => ClientWorld): void {
  suiteOf(world, 'aleph-alpha-client, synchronous', 'aleph_alpha_sync.py', (told) => {
    it('Client chats', () => expect(told('chat')).toEqual({ text, finish: 'stop' }));
    it('Client chats about a picture', () => expect(told('images')).toEqual(green));
    it('Client calls tools', () =>
      expect(told('tools')).toEqual({
        finish: 'tool_calls',
        calls: [expect.objectContaining({ function: { name: 'get_weather', arguments: oslo } })],
      }));
    it('Client gets JSON of a schema', () => expect(told('json_schema')).toEqual(city));
    it('Client gets vectors', () =>
      expect(told('embeddings')).toEqual({ openai: [256, 256], semantic: 256 }));
    it('Client completes a prompt of texts and a picture', () => {
      const seen = told('completion') as { tokens: number };
      expect(seen).toMatchObject({ text: green, finish: 'end_of_text', log_probs: seen.tokens });
      expect(seen).toMatchObject({ raw: green, optimized: ['Text', 'Image', 'Text'] });
    });
    it('Client evaluates', () => expect(told('evaluate')).toMatchObject({ correct_greedy: true }));
    it('Client takes texts apart and puts them together', () => {
      const seen = told('tokenize') as { tokens: number };
      expect(seen).toEqual({ tokens: expect.any(Number), ids: seen.tokens, result: 'zwölf Boxkämpfer' });
    });
    it('Client ranks', () => {
      const scores = told('rerank') as number[];
      expect(scores).toHaveLength(2);
      expect(scores).toEqual([...scores].sort((one, other) => other - one));
    });
    it('Client lists the models', () => {
      const seen = told('models');
      expect(seen).toEqual({
        names: expect.arrayContaining([describer]),
        version: expect.stringMatching(/^\d/),
      });
    });
    it('Client maps errors', () =>
      expect(told('errors')).toEqual({
        RuntimeError: expect.stringContaining('UNKNOWN_MODEL'),
        ValueError: expect.stringContaining('MISSING_CAPABILITY'),
        PermissionError: expect.stringContaining('UNAUTHORIZED'),
      }));
    it('Client can be nice', () => expect(told('nice')).toBe('stop'));
  });
}

export function alephAlphaAsyncSuite(world: () => ClientWorld): void {
  suiteOf(world, 'aleph-alpha-client, asynchronous', 'aleph_alpha_async.py', (told) => {
    it('AsyncClient chats', () => expect(told('chat')).toEqual({ text, finish: 'stop' }));
    it('AsyncClient chats about a picture', () => expect(told('images')).toEqual(green));
    it('AsyncClient streams', () => {
      expect(told('streaming')).toMatchObject({ text: green, finish: 'stop', usage: null });
      expect(pieces(told('streaming'))).toBeGreaterThan(3);
    });
    it('AsyncClient streams, with usage', () => expect(told('usage_in_stream')).toMatchObject(usage));
    it('AsyncClient calls tools in a stream', () =>
      expect(told('tools')).toMatchObject({
        finish: 'tool_calls',
        calls: [{ function: { name: 'get_weather', arguments: oslo } }],
      }));
    it('AsyncClient gets JSON of a schema', () => expect(told('json_schema')).toEqual(city));
    it('AsyncClient gets a hundred vectors, in order', () =>
      expect(told('embeddings')).toEqual({ count: 100, in_order: true }));
    it('AsyncClient completes a prompt of texts and a picture', () =>
      expect(told('completion')).toEqual({ text: green, finish: 'end_of_text' }));
    it('AsyncClient streams a completion', () => {
      const seen = told('completion_streaming');
      expect(seen).toMatchObject({ text: green, finish: 'end_of_text', generated: expect.any(Number) });
      expect(pieces(seen)).toBeGreaterThan(3);
    });
    it('AsyncClient evaluates', () => expect(told('evaluate')).toMatchObject({ correct_greedy: false }));
    it('AsyncClient takes texts apart', () => {
      const seen = told('tokenize') as { tokens: number };
      expect(seen).toEqual({ tokens: expect.any(Number), ids: seen.tokens });
    });
    it('AsyncClient lists the models', () =>
      expect(told('models')).toEqual(expect.arrayContaining([hearer])));
    it('AsyncClient maps errors', () => expect(told('errors')).toContain('UNKNOWN_MODEL'));
    it('AsyncClient can be nice', () => expect(told('nice')).toBe('stop'));
  });
}

const typedErrors = {
  BadRequestError: ['INVALID_REQUEST', 'temperature'],
  NotFoundError: ['UNKNOWN_MODEL', 'model'],
};

export function openAiPythonSuite(world: () => ClientWorld): void {
  suiteOf(world, 'openai for Python', 'openai_client.py', (told) => {
    it('openai for Python chats', () => expect(told('chat')).toEqual({ text, finish: 'stop' }));
    it('openai for Python chats about a picture', () => expect(told('images')).toEqual(green));
    it('openai for Python streams, with usage', () => {
      expect(told('usage_in_stream')).toMatchObject(usage);
      expect(pieces(told('usage_in_stream'))).toBeGreaterThan(3);
    });
    it('openai for Python calls tools', () =>
      expect(told('tools')).toEqual([expect.objectContaining({ name: 'get_weather', arguments: oslo })]));
    it('openai for Python gets JSON of a schema', () => expect(told('json_schema')).toEqual(city));
    it('openai for Python gets vectors: as base64, its default, the same as numbers', () => {
      const seen = told('embeddings') as { furthest: number };
      expect(seen).toEqual({ count: 2, furthest: expect.any(Number) });
      expect(seen.furthest).toBeLessThan(1e-6);
    });
    it('openai for Python completes raw prompts', () => expect(told('completion')).toEqual([text, text]));
    it('openai for Python streams a completion', () =>
      expect((told('completion_streaming') as string[]).length).toBeGreaterThan(1));
    it('openai for Python has recordings written down', () => {
      const light = expect.stringMatching(/light/i);
      expect(told('transcription')).toEqual({ text: light, segments: [light] });
    });
    it('openai for Python lists the models', () =>
      expect(told('models')).toEqual(expect.arrayContaining([describer, hearer])));
    it('openai for Python maps errors', () =>
      expect(told('errors')).toEqual({ ...typedErrors, AuthenticationError: ['UNAUTHORIZED', null] }));
    it('openai for Python can be nice', () => expect(told('nice')).toBe('stop'));
  });
}

export function langChainSuite(world: () => ClientWorld): void {
  suiteOf(world, 'LangChain', 'langchain_client.py', (told) => {
    it('LangChain chats', () => expect(told('chat')).toEqual({ text, finish: 'stop' }));
    it('LangChain chats about a picture', () => expect(told('images')).toEqual(green));
    it('LangChain streams, with usage', () => {
      expect(told('usage_in_stream')).toMatchObject(usage);
      expect(pieces(told('usage_in_stream'))).toBeGreaterThan(3);
    });
    it('LangChain calls tools', () =>
      expect(told('tools')).toMatchObject([{ name: 'get_weather', args: { city: 'Oslo' } }]));
    it('LangChain gets JSON of a schema', () =>
      expect(told('json_schema')).toEqual({ city: expect.stringMatching(/^(?:Rome|Oslo)$/) }));
    it('LangChain gets vectors', () => expect(told('embeddings')).toEqual([256, 256]));
    it('LangChain completes raw prompts', () => expect(told('completion')).toEqual(text));
    it('LangChain streams a completion', () =>
      expect((told('completion_streaming') as string[]).length).toBeGreaterThan(1));
    it('LangChain maps errors', () =>
      // Its own kinds of openai's BadRequestError and NotFoundError.
      expect(told('errors')).toEqual({
        OpenAIInvalidRequestError: ['INVALID_REQUEST', 'temperature'],
        OpenAIModelNotFoundError: ['UNKNOWN_MODEL', 'model'],
      }));
    it('LangChain can be nice', () => expect(told('nice')).toBe('stop'));
  });
}
