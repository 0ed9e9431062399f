import { describe, expect, it } from '@jest/globals';
import { parseChatMessages } from './chat-messages.js';

const url = 'data:image/png;base64,QUJD';
const user = (...content: unknown[]) => [{ role: 'user' as const, content }];

describe('messages', () => {
  it('keep texts and images in order, and know where each image stood', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url, detail: 'auto' }, uuid: 'x' },
      'plain',
      { image_url: url },
    ];
    expect(parseChatMessages([{ role: 'system', content: 's' }, ...user(...parts)])).toEqual([
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

  it('may have no content, like an assistant turn that only called tools', () => {
    expect(parseChatMessages([{ role: 'assistant', content: null }])).toEqual([
      { role: 'assistant', content: [] },
    ]);
  });

  it.each([
    ['content[0].type', { type: 'video_url', video_url: { url } }],
    ['content[0].image_url', { type: 'image_url', image_url: url }],
    ['content[0].image_url', { type: 'image_url' }],
    ['content[0].text', { type: 'text', text: 5 }],
    ['content[0].text', {}],
    ['content[0]', 7],
    ['content[0]', null],
  ])('name the part that is wrong: %s', (param, part) => {
    expect(() => parseChatMessages(user(part))).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param: `messages[0].${param}` }),
    );
  });
});
