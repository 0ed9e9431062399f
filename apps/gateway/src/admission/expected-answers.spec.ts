import type { Task } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { ExpectedAnswers } from './expected-answers.js';

const chat = (sampling: Extract<Task, { kind: 'chat' }>['sampling']): Task => ({
  kind: 'chat',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
  sampling,
});

describe('the answer to expect', () => {
  it('is what the model mostly says, at most what the request allows', () => {
    const answers = new ExpectedAnswers();
    expect(answers.of('m', chat({}))).toBe(256);
    for (const tokens of [10, 20, 30]) answers.note('m', tokens);
    expect(answers.of('m', chat({}))).toBe(20);
    expect(answers.of('m', chat({ maxTokens: 5 }))).toBe(5);
    expect(answers.of('m', chat({ maxTokens: 5, n: 3 }))).toBe(15);
    expect(answers.of('other', chat({}))).toBe(256);
  });

  it('follows a model whose answers become longer', () => {
    const answers = new ExpectedAnswers();
    for (let count = 0; count < 1_000; count += 1) answers.note('m', 10);
    for (let count = 0; count < 100; count += 1) answers.note('m', 500);
    expect(answers.of('m', chat({}))).toBeGreaterThan(450);
  });

  it('of several prompts is bounded by all of them', () => {
    const prompts = ['a', 'b'].map((text) => [{ type: 'text' as const, text }]);
    const task: Task = { kind: 'completion', prompts, sampling: { maxTokens: 4, n: 2 } };
    expect(new ExpectedAnswers().of('m', task)).toBe(16);
  });

  it('is nothing for what generates nothing', () => {
    const answers = new ExpectedAnswers();
    expect(answers.of('m', { kind: 'embed', inputs: ['a'] })).toBe(0);
    expect(answers.of('m', { kind: 'tokenize', text: 'a' })).toBe(0);
    expect(answers.of('m', { kind: 'transcription', audio: 0, path: 'file' })).toBe(256);
  });
});
