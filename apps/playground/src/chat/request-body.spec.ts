import { describe, expect, it } from '@jest/globals';
import type { Picture } from '../pictures/picture.js';
import type { Question } from './conversation.js';
import { bodyBytes, bodyPieces, problemOfQuestion } from './request-body.js';

const picture = (name: string, size: number, width = 8): Picture => ({
  id: 1,
  name,
  file: new Blob([new Uint8Array(size)]),
  mediaType: 'image/png',
  width,
  height: 8,
  url: 'blob:x',
});

const question = (changes: Partial<Question> = {}): Question => ({
  model: 'm "1"',
  system: '',
  turns: [{ role: 'user', text: 'What is “it”?\n', pictures: [picture('a', 4), picture('b', 5)] }],
  sampling: { temperature: 0.5 },
  ...changes,
});

/** As it goes over the wire. */
async function written(of: Question): Promise<string> {
  const parts = bodyPieces(of).map(async (piece) =>
    typeof piece === 'string' ? piece : Buffer.from(await piece.file.arrayBuffer()).toString('base64'),
  );
  return (await Promise.all(parts)).join('');
}

describe('the body of a request', () => {
  it('is the JSON that the API takes: pictures first, then the text about them', async () => {
    const url = (base64: string) => ({
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${base64}` },
    });
    expect(JSON.parse(await written(question({ system: 'be brief' })))).toEqual({
      model: 'm "1"',
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      messages: [
        { role: 'system', content: 'be brief' },
        {
          role: 'user',
          content: [url('AAAAAA=='), url('AAAAAAA='), { type: 'text', text: 'What is “it”?\n' }],
        },
      ],
    });
  });

  it('holds the turns before, and a picture without a question', async () => {
    const turns = [
      { role: 'user', text: 'one', pictures: [] },
      { role: 'assistant', text: 'two' },
      { role: 'user', text: '', pictures: [picture('a', 1)] },
    ] as const;
    const { messages } = JSON.parse(await written(question({ turns })));
    expect(messages.slice(0, 2)).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ]);
    expect(messages[2].content).toHaveLength(1);
  });

  it('is as large as was foretold', async () => {
    const of = question();
    expect(bodyBytes(bodyPieces(of))).toBe(Buffer.byteLength(await written(of)));
  });

  it('is refused before it is sent, with the path of the picture that is too large', () => {
    const limits = { maxBodyBytes: 1e6, maxImageSidePx: 4000 };
    expect(problemOfQuestion(question(), limits)).toBeUndefined();
    const wide = question({
      system: 's',
      turns: [{ role: 'user', text: '', pictures: [picture('a', 4), picture('b', 4, 4001)] }],
    });
    expect(problemOfQuestion(wide, limits)).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      param: 'messages[1].content[1].image_url.url',
    });
  });

  it('is refused at one byte over the limit', () => {
    const size = bodyBytes(bodyPieces(question()));
    const limits = { maxBodyBytes: size, maxImageSidePx: 4000 };
    expect(problemOfQuestion(question(), limits)).toBeUndefined();
    expect(problemOfQuestion(question(), { ...limits, maxBodyBytes: size - 1 })).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: { actual: size },
    });
  });
});
