import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { ChatModelPart, ChatModelRequest } from '../chat-model.js';
import { parseOcrRequest } from './ocr-request.js';

/** The first 33 bytes of a PNG, which is all that is looked at here. */
const pngHead = (width: number, height: number): Buffer => {
  const chunk = Buffer.from('IHDR\0\0\0\0\0\0\0\0\x08\x02\0\0\0', 'latin1');
  chunk.writeUInt32BE(width, 4);
  chunk.writeUInt32BE(height, 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(chunk));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0d', 'latin1'), chunk, tail]);
};

const image = (bytes: Uint8Array, path = 'messages[0].content[0].image_url.url'): ChatModelPart => ({
  type: 'image',
  image: { bytes, path },
});
const text: ChatModelPart = { type: 'text', text: 'What stands here?' };

function request(...messages: ChatModelPart[][]): ChatModelRequest {
  return {
    requestId: 'r',
    messages: messages.map((content) => ({ role: 'user', content })),
    sampling: {},
    choices: 1,
  };
}

describe('parseOcrRequest', () => {
  it('reads the images of the last message that has any, and counts their cells', () => {
    const parsed = parseOcrRequest(
      request(
        [image(pngHead(10, 10), 'first')],
        [image(pngHead(900, 420), 'a'), text, image(pngHead(64, 32), 'b')],
        [text],
      ),
      1000,
    );
    expect(parsed.images.map(({ path }) => path)).toEqual(['a', 'b']);
    expect(parsed.promptTokens).toBe(29 * 14 + 2);
  });

  it('asks for an image when there is none', () => {
    expect(() => parseOcrRequest(request([text]), 1000)).toThrow(
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        param: 'messages',
        message: expect.stringContaining('send an image'),
      }),
    );
  });

  it('names the image that is cut off, unknown, damaged or too large', () => {
    const second = 'messages[0].content[1].image_url.url';
    const parse = (bytes: Uint8Array) => () =>
      parseOcrRequest(request([image(pngHead(9, 9)), image(bytes, second)]), 1000);
    const invalid = expect.objectContaining({ code: 'INVALID_IMAGE', param: second });
    expect(parse(pngHead(9, 9).subarray(0, 20))).toThrow(invalid);
    expect(parse(Buffer.from('no image'))).toThrow(invalid);
    expect(parse(pngHead(0, 9))).toThrow(invalid);
    expect(parse(pngHead(4001, 9))).toThrow(
      expect.objectContaining({ code: 'IMAGE_TOO_LARGE', param: second }),
    );
  });

  it('refuses pictures that fill the context', () => {
    const full = request([image(pngHead(320, 320))]);
    expect(parseOcrRequest(full, 101).promptTokens).toBe(100);
    expect(() => parseOcrRequest(full, 100)).toThrow(
      expect.objectContaining({
        code: 'CONTEXT_LENGTH_EXCEEDED',
        limit: { name: 'max_model_len', value: 100, actual: 100 },
      }),
    );
  });

  it('refuses log probabilities', () => {
    const asked = { ...request([image(pngHead(9, 9))]), sampling: { topLogprobs: 0 } };
    expect(() => parseOcrRequest(asked, 100)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param: 'logprobs' }),
    );
  });
});
