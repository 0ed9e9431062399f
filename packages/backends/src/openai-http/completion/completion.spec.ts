import { describe, expect, it } from '@jest/globals';
import type { EngineImage, EnginePromptItem } from '../../index.js';
import { AnswerReader } from '../answer/answer-reader.js';
import { createCompletionBody } from './completion-body.js';
import { completionChunkSchema } from './completion-chunk.js';

const image: EngineImage = {
  mediaType: 'image/png',
  byteSize: 3,
  path: 'prompt[0].data',
  uuid: 'key',
  async *chunks() {
    yield Buffer.from('abc');
  },
};
const text = (words: string): EnginePromptItem => ({ type: 'text', text: words });
const ids = (...tokenIds: number[]): EnginePromptItem => ({ type: 'token-ids', tokenIds });

async function bodyOf(...prompts: EnginePromptItem[][]): Promise<unknown> {
  const body = createCompletionBody(prompts, { model: 'm' });
  const pieces: Buffer[] = [];
  for await (const piece of body.pieces()) pieces.push(Buffer.from(piece));
  const bytes = Buffer.concat(pieces);
  expect(bytes.length).toBe(body.byteLength);
  const parsed: unknown = JSON.parse(bytes.toString());
  return parsed;
}

describe('the body of a completion', () => {
  it.each([
    ['a text', [[text('é"')]], { prompt: 'é"' }],
    ['texts in a row', [[text('a'), text(' b')]], { prompt: 'a b' }],
    ['nothing', [[]], { prompt: '' }],
    ['token ids', [[ids(1, 2), ids(3)]], { prompt: [1, 2, 3] }],
    ['several texts', [[text('a')], [text('b')]], { prompt: ['a', 'b'] }],
    ['several lists of ids', [[ids(1)], [ids(2, 3)]], { prompt: [[1], [2, 3]] }],
  ])('has %s in OpenAI’s form', async (_, prompts, expected) => {
    expect(await bodyOf(...prompts)).toEqual({ ...expected, model: 'm' });
  });

  it('has items of several kinds in the form of our own engine', async () => {
    const url = `data:image/png;base64,${Buffer.from('abc').toString('base64')}`;
    const crop = { x: 1, y: 2, size: 3 };
    const pictures = [
      { type: 'image' as const, image, crop },
      { type: 'image' as const, image, crop: 'center' as const },
      { type: 'image' as const, image },
    ];
    expect(await bodyOf([...pictures, text('a'), ids(7)])).toEqual({
      prompt_items: [
        { type: 'image_url', image_url: { url }, uuid: 'key', crop },
        { type: 'image_url', image_url: { url }, uuid: 'key', crop: 'center' },
        { type: 'image_url', image_url: { url }, uuid: 'key' },
        { type: 'text', text: 'a' },
        { type: 'token_ids', token_ids: [7] },
      ],
      model: 'm',
    });
  });

  it('is none of several prompts when one is of several kinds', () => {
    expect(() => createCompletionBody([[text('a')], [text('a'), ids(1)]], {})).toThrow(/several/);
  });
});

describe('the chunks of a completion', () => {
  const read = (chunk: object) =>
    new AnswerReader(1, { imagePaths: [] }, completionChunkSchema).read(JSON.stringify(chunk));

  it.each([
    ['nothing at all', { index: 0, text: 'a' }],
    [
      'null',
      { index: 0, text: 'a', logprobs: null, token_ids: null, finish_reason: null, stop_reason: null },
    ],
    ['empty lists', { text: 'a', logprobs: { tokens: [] } }],
  ])('may say of log probabilities: %s', (_, choice) => {
    expect(read({ choices: [choice] })).toEqual([{ type: 'text-delta', index: 0, text: 'a' }]);
  });

  it('may lack alternatives, and the value of a token', () => {
    const logprobs = { tokens: ['é', 'b'], token_logprobs: [-0.5], top_logprobs: [{ é: -0.5, x: null }] };
    const [event] = read({ choices: [{ text: 'éb', logprobs }] });
    expect(event).toMatchObject({
      logprobs: [
        {
          token: 'é',
          logprob: -0.5,
          bytes: [195, 169],
          top: [
            { token: 'é', logprob: -0.5 },
            { token: 'x', logprob: -9999 },
          ],
        },
        { token: 'b', logprob: -9999, top: [] },
      ],
    });
  });
});
