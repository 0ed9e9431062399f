import { describe, expect, it } from '@jest/globals';
import { parseChunk } from './chat-chunk.js';

const delta = (fields: unknown, finish: string | null = null): string =>
  JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason: finish }], usage: null });

describe('an event of a streamed answer', () => {
  it.each([
    [delta({ role: 'assistant', content: '' }), {}],
    [delta({ content: 'Hello' }), { text: 'Hello' }],
    [delta({ content: '', reasoning_content: 'hm' }), { reasoning: 'hm' }],
    [delta({}, 'stop'), { finishReason: 'stop' }],
    [
      '{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}',
      {
        usage: { promptTokens: 4, completionTokens: 2 },
      },
    ],
    ['[DONE]', { isLast: true }],
  ])('%s is understood', (data, chunk) => expect(parseChunk(data)).toEqual(chunk));

  it('may be an error', () => {
    const data =
      '{"error":{"message":"Lost.","code":"STREAM_INTERRUPTED","param":null},"code":"STREAM_INTERRUPTED"}';
    expect(parseChunk(data).problem).toMatchObject({ code: 'STREAM_INTERRUPTED', message: 'Lost.' });
  });
});
