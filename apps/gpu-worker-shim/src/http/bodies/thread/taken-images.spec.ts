import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { takeImages } from './taken-images.js';

const urlOf = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`;
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('base64url');
const [short, long] = [Buffer.alloc(10, 1), Buffer.alloc(100_000, 2)];

describe('the images of a body', () => {
  it('are taken out of messages and items, each with a buffer of its own and a digest', () => {
    const body = {
      messages: [
        { content: 'text' },
        {
          content: [
            { type: 'image_url', image_url: { url: urlOf(short), detail: 'low' } },
            { image_url: urlOf(long) },
            { type: 'text', text: urlOf(short) },
          ],
        },
      ],
      prompt_items: [{ type: 'image_url', image_url: { url: urlOf(short).replace('data', 'DATA') } }],
    };
    const taken = takeImages(body);
    const names = [...taken.keys()];
    expect(body).toEqual({
      messages: [
        { content: 'text' },
        {
          content: [
            { type: 'image_url', image_url: { url: names[0], detail: 'low' } },
            { image_url: names[1] },
            { type: 'text', text: urlOf(short) },
          ],
        },
      ],
      prompt_items: [{ type: 'image_url', image_url: { url: names[2] } }],
    });
    const expected = [short, long, short].map((bytes) => ({
      bytes: new Uint8Array(bytes),
      sha256: digest(bytes),
      isMovable: true,
    }));
    expect([...taken.values()]).toEqual(expected);
    for (const image of taken.values()) {
      if ('bytes' in image) expect(image.bytes.buffer.byteLength).toBe(image.bytes.length);
    }
  });

  it('that are broken have their error, for the one who reads them', () => {
    const broken = { type: 'image_url', image_url: { url: 'data:image/png;base64,QUI' } };
    const [image] = takeImages({ messages: [{ content: [broken] }] }).values();
    expect(image).toEqual({
      problem: { code: 'INVALID_IMAGE', message: expect.stringContaining('base64'), param: '' },
    });
  });

  it('are no links, no files, and nothing in other places', () => {
    const content = [
      { image_url: { url: 'https://example.org/data:' } },
      { image_url: 'file:///a' },
      'data:x',
      null,
      7,
    ];
    const body = {
      messages: [{ content }, null, 'x', { content: { image_url: urlOf(short) } }],
      image_url: urlOf(short),
      prompt: [{ image_url: urlOf(short) }],
      prompt_items: { image_url: urlOf(short) },
    };
    const before = structuredClone(body);
    expect(takeImages(body).size).toBe(0);
    expect(body).toEqual(before);
    for (const other of [null, 1, 'x', [], { messages: 1 }]) expect(takeImages(other).size).toBe(0);
  });
});
