import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { imageOf, type TestImage } from '../../conformance/test-png.js';
import type { EngineMessage } from '../../index.js';
import { createChatBody } from '../chat/chat-body.js';
import { maxPieceBytes, minLentBytes, type RequestBody } from './request-body.js';

async function collect(body: RequestBody): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of body.pieces()) {
    pieces.push(piece.length < minLentBytes ? piece : Buffer.from(piece));
  }
  return pieces;
}

const picture = (image: TestImage): EngineMessage => ({
  role: 'user',
  content: [
    { type: 'text', text: 'what "is" \\ this?\n' },
    { type: 'image', image },
    { type: 'text', text: '…and why?' },
  ],
});

describe('createChatBody', () => {
  it.each([0, 1, 2, 3, 49_151, 49_152, 49_153, 200_000, 393_216, 393_217, 1_500_001])(
    'writes an image of %d bytes as JSON whose length is what it said, in bounded pieces',
    async (size) => {
      const bytes = randomBytes(size);
      const body = createChatBody([{ role: 'system', content: 'be brief' }, picture(imageOf(bytes))], {
        model: 'm',
      });
      const pieces = await collect(body);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(maxPieceBytes);
      const whole = Buffer.concat(pieces);
      expect(whole.length).toBe(body.byteLength);
      expect(JSON.parse(whole.toString())).toEqual({
        messages: [
          { role: 'system', content: 'be brief' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what "is" \\ this?\n' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } },
              { type: 'text', text: '…and why?' },
            ],
          },
        ],
        model: 'm',
      });
    },
  );

  it.each([1, 2, 3, 4, 5, 16_384, 65_536, 196_608, 393_216, 1_000_000])(
    'writes the same base64 when the image comes in chunks of %d bytes, twice if need be',
    async (chunkBytes) => {
      const bytes = randomBytes(Math.min(1_300_001, chunkBytes * 1_000 + 1));
      const body = createChatBody([picture(imageOf(bytes, { chunkBytes }))], {});
      const pieces = await collect(body);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(maxPieceBytes);
      const whole = Buffer.concat(pieces);
      expect(whole.length).toBe(body.byteLength);
      expect(whole.toString()).toContain(`base64,${bytes.toString('base64')}"`);
      expect(Buffer.concat(await collect(body)).equals(whole)).toBe(true);
    },
  );

  it('uses a chunk before it asks for the next one', async () => {
    const bytes = randomBytes(500);
    const memory = Buffer.alloc(100);
    const image: TestImage = {
      ...imageOf(bytes),
      async *chunks() {
        for (let at = 0; at < bytes.length; at += memory.length) {
          memory.set(bytes.subarray(at, at + memory.length));
          yield memory;
        }
      },
    };
    const text = Buffer.concat(await collect(createChatBody([picture(image)], {}))).toString();
    expect(text).toContain(`base64,${bytes.toString('base64')}"`);
  });

  it.each([9, 11])('throws when an image of 10 bytes turns out to have %d', async (size) => {
    const image = { ...imageOf(randomBytes(size), { chunkBytes: 4 }), byteSize: 10 };
    await expect(collect(createChatBody([picture(image)], {}))).rejects.toMatchObject({
      code: 'INTERNAL',
      detail: expect.stringContaining('of 10 bytes'),
    });
  });

  it('keeps the images of a request apart, small ones between large ones', async () => {
    const images = [700_000, 10, 60_000, 0, 700_001, 50_000].map((size) => imageOf(randomBytes(size)));
    const text = Buffer.concat(await collect(createChatBody(images.map(picture), {}))).toString();
    const urls = [...text.matchAll(/base64,([^"]*)"/g)].map((match) => match[1]);
    expect(urls).toEqual(images.map(({ bytes }) => Buffer.from(bytes).toString('base64')));
  });

  it('cuts long text too, inside UTF-8 sequences if need be, and can be sent twice', async () => {
    const text = 'ß€😀'.repeat(200_000);
    const body = createChatBody([{ role: 'user', content: text, name: 'é' }], {});
    const first = await collect(body);
    expect(first.length).toBeGreaterThan(3);
    expect(Math.max(...first.map((piece) => piece.length))).toBeLessThanOrEqual(maxPieceBytes);
    expect(JSON.parse(Buffer.concat(first).toString())).toEqual({
      messages: [{ role: 'user', name: 'é', content: text }],
    });
    expect(Buffer.concat(await collect(body)).equals(Buffer.concat(first))).toBe(true);
  });

  it('encodes a view into a larger buffer, not the buffer', async () => {
    const view = new Uint8Array(randomBytes(100).buffer, 0).subarray(10, 20);
    const text = Buffer.concat(await collect(createChatBody([picture(imageOf(view))], {}))).toString();
    expect(text).toContain(`base64,${Buffer.from(view).toString('base64')}"`);
  });

  const jsonOf = async (...messages: EngineMessage[]): Promise<unknown> => {
    const body = createChatBody(messages, {});
    const whole = Buffer.concat(await collect(body));
    expect(whole.length).toBe(body.byteLength);
    return JSON.parse(whole.toString());
  };

  it('writes the engine’s key of an image beside it', async () => {
    const image = { ...imageOf(Buffer.from('x')), uuid: 'a"b' };
    expect(await jsonOf({ role: 'user', content: [{ type: 'image', image }] })).toEqual({
      messages: [
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,eA==' }, uuid: 'a"b' }],
        },
      ],
    });
  });

  it('writes the address of a file in place of its bytes, which nobody reads', async () => {
    const image: TestImage = {
      ...imageOf(Buffer.alloc(1000)),
      fileUrl: 'file:///media/%C3%A4 "b',
      uuid: 'k',
      chunks: () => {
        throw new Error('read');
      },
    };
    expect(await jsonOf({ role: 'user', content: [{ type: 'image', image }] })).toEqual({
      messages: [
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: 'file:///media/%C3%A4 "b' }, uuid: 'k' }],
        },
      ],
    });
  });

  it('writes what an assistant called and what came of it, in OpenAI’s form', async () => {
    const toolCalls = [{ id: 'c1', name: 'look', arguments: '{"at":"sky"}' }];
    const wireCalls = [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"sky"}' } }];
    expect(
      await jsonOf(
        { role: 'assistant', content: [], toolCalls },
        { role: 'assistant', content: 'well', toolCalls },
        { role: 'tool', content: 'blue', toolCallId: 'c1' },
      ),
    ).toEqual({
      messages: [
        { role: 'assistant', content: null, tool_calls: wireCalls },
        { role: 'assistant', content: 'well', tool_calls: wireCalls },
        { role: 'tool', content: 'blue', tool_call_id: 'c1' },
      ],
    });
  });

  it.each([
    ['image/png; charset=x', 'data:image/png;base64,'],
    ['"}]} nonsense', 'data:application/octet-stream;base64,'],
  ])('writes the declared type %j so that vLLM can read it', async (mediaType, start) => {
    const text = Buffer.concat(
      await collect(createChatBody([picture(imageOf(Buffer.from('x'), { mediaType }))], {})),
    ).toString();
    expect(text).toContain(`"url":"${start}`);
    expect(() => JSON.parse(text)).not.toThrow();
  });
});
