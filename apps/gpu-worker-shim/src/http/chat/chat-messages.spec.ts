import { describe, expect, it } from '@jest/globals';
import { ImageUrls } from '../media/image-urls.js';
import type { WireMessage } from './chat-fields.js';
import { parseChatMessages } from './chat-messages.js';

const url = 'data:image/png;base64,QUJD';
const parse = (messages: readonly WireMessage[]) =>
  parseChatMessages(messages, new ImageUrls(undefined, new AbortController().signal));
const user = (...content: unknown[]) => [{ role: 'user' as const, content }];

describe('messages', () => {
  it('keep texts and images in order, and know where each image stood', async () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url, detail: 'auto' }, uuid: 'x' },
      'plain',
      { image_url: url },
    ];
    expect(await parse([{ role: 'system', content: 's' }, ...user(...parts)])).toEqual([
      { role: 'system', content: [{ type: 'text', text: 's' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          {
            type: 'image',
            image: { bytes: Buffer.from('ABC'), path: 'messages[1].content[1].image_url.url' },
          },
          { type: 'text', text: 'plain' },
          { type: 'image', image: { bytes: Buffer.from('ABC'), path: 'messages[1].content[3].image_url' } },
        ],
      },
    ]);
  });

  it('may have no content, like an assistant turn that only called tools', async () => {
    expect(await parse([{ role: 'assistant', content: null }])).toEqual([{ role: 'assistant', content: [] }]);
  });

  it.each([
    ['content[0].type', { type: 'video_url', video_url: { url } }],
    ['content[0].image_url', { type: 'image_url', image_url: url }],
    ['content[0].image_url', { type: 'image_url' }],
    ['content[0].text', { type: 'text', text: 5 }],
    ['content[0].text', {}],
    ['content[0]', 7],
    ['content[0]', null],
  ])('name the part that is wrong: %s', async (param, part) => {
    await expect(parse(user(part))).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param: `messages[0].${param}` }),
    );
  });
});
