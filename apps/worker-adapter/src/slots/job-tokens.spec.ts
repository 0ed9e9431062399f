import type { ChatJob } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { createJob } from '../fakes/fake-lease.js';
import { tokensOf } from './job-tokens.js';

const limits = { maximumCompletionTokens: null, maxModelLen: 10_000 };
const blob = (mediaType: string, byteSize: number) => ({ name: 'a'.repeat(64), mediaType, byteSize });
const job = (sampling: ChatJob['task']['sampling'], changes: Partial<ChatJob> = {}): ChatJob =>
  createJob({
    estimatedPromptTokens: 1_000,
    task: { kind: 'chat', messages: [], sampling },
    ...changes,
  });

describe('tokensOf', () => {
  it.each([
    ['the estimate and the asked maximum', job({ maxTokens: 500 }), limits, 1_500],
    ['each choice', job({ maxTokens: 500, n: 3 }), limits, 2_500],
    ['the maximum of the model', job({ maxTokens: 500 }), { ...limits, maximumCompletionTokens: 100 }, 1_100],
    ['what the context leaves', job({ maxTokens: 50_000 }), limits, 10_000],
    ['a usual answer when nobody bounds it', job({}), limits, 3_048],
    [
      'the maximum of the model when only that bounds it',
      job({}),
      { ...limits, maximumCompletionTokens: 64 },
      1_064,
    ],
    [
      'a prompt over the context as the context',
      job({ maxTokens: 5 }, { estimatedPromptTokens: 20_000 }),
      limits,
      10_000,
    ],
  ])('counts %s', (_what, given, bounds, tokens) => {
    expect(tokensOf(given, bounds)).toBe(tokens);
  });

  it('counts the answers to each raw prompt', () => {
    const text = { type: 'text' as const, text: 'once' };
    const task = {
      kind: 'completion' as const,
      prompts: [[text], [text]],
      sampling: { maxTokens: 50, n: 2 },
    };
    expect(tokensOf({ ...job({}), task }, limits)).toBe(1_200);
  });

  it('guesses a prompt without an estimate from its bytes and pictures', () => {
    const messages: ChatJob['task']['messages'] = [
      { role: 'system', content: [{ type: 'text', text: 'ä'.repeat(200) }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a'.repeat(400) },
          { type: 'image', blob: 0, path: 'messages[1].content[1]' },
        ],
      },
    ];
    const { estimatedPromptTokens: _none, ...guessed } = job(
      {},
      { task: { kind: 'chat', messages, sampling: { maxTokens: 1 } }, blobs: [blob('image/png', 5_000_000)] },
    );
    expect(tokensOf(guessed, limits)).toBe(200 + 1_024 + 1);
    const inBlob = { ...guessed, blobs: [blob('application/json', 4_000)] };
    expect(tokensOf({ ...inBlob, task: { ...guessed.task, messages: { blob: 0 } } }, limits)).toBe(1_001);
  });
});
