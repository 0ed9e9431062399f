import { publishedProcessor } from '@fovea/image-preprocessing';
import type { BlobRef, ChatMessage, ContentPart } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { assertPromptCanFit, chatPieces, promptTokensAtLeast } from './prompt-tokens.js';

const qwen = { imageProcessor: publishedProcessor('qwen2_5_vl'), maxModelLen: 4_096 };
const unknown = { imageProcessor: null, maxModelLen: 4_096 };
const photo = (width: number, height: number, orientation?: number): BlobRef => ({
  name: 'a'.repeat(64),
  mediaType: 'image/jpeg',
  byteSize: 1,
  width,
  height,
  ...(orientation !== undefined && { orientation }),
});
const text = (value: string): ContentPart => ({ type: 'text', text: value });
const image = (blob: number, path = `messages[0].content[${blob}].image_url.url`): ContentPart => ({
  type: 'image',
  blob,
  path,
});
const user = (...content: ContentPart[]): ChatMessage => ({ role: 'user', content });
const plain = (value: string): ChatMessage => ({ role: 'user', content: [text(value)], plain: true });

const countChat = (
  messages: ChatMessage[],
  blobs: BlobRef[],
  of: Parameters<typeof promptTokensAtLeast>[1],
) => promptTokensAtLeast(chatPieces(messages, blobs), of);

describe('promptTokensAtLeast', () => {
  it('counts pictures exactly and text by its bytes, over all messages', () => {
    const messages = [plain('x'.repeat(12)), user(image(0), text('ä'.repeat(6)), image(1))];
    const found = countChat(messages, [photo(1_300, 876), photo(640, 480)], qwen);
    expect(found).toEqual({ atLeast: 1_426 + 391 + 3, overflowsAt: undefined, isWhole: true });
  });

  it('counts a picture as it stands upright, and with the margin it is sent with', () => {
    const llavaNext = {
      imageProcessor: publishedProcessor('llava_next'),
      maxModelLen: 4_096,
    };
    const count = (blob: BlobRef, of: Parameters<typeof countChat>[2]) =>
      countChat([user(image(0))], [blob], of).atLeast;
    expect(count(photo(1_080, 1_920), llavaNext)).toBe(1_968);
    expect(count(photo(1_080, 1_920, 6), llavaNext)).toBe(1_948);
    expect(count(photo(4_000, 1), qwen)).toBe(143);
  });

  it('names the part with which the prompt stops to fit', () => {
    const wide = photo(1_920, 1_080);
    const messages = [plain('hello'), user(text('two'), image(0), image(1), text('end'))];
    const found = countChat(messages, [wide, wide], qwen);
    expect(found).toMatchObject({
      atLeast: 2 * 2_691 + 1,
      overflowsAt: 'messages[0].content[1].image_url.url',
    });
    const long = 'x'.repeat(8 * 4_097);
    expect(countChat([plain('a'), plain(long)], [], qwen).overflowsAt).toBe('messages[1].content');
    expect(countChat([user(text('a'), text(long))], [], unknown).overflowsAt).toBe(
      'messages[0].content[1].text',
    );
  });

  it('lets pass what is exactly as long as the context, and refuses one token more', () => {
    const fits = countChat([plain('x'.repeat(8 * 4_096 + 7))], [], qwen);
    expect(fits).toEqual({ atLeast: 4_096, overflowsAt: undefined, isWhole: true });
    expect(() => assertPromptCanFit(fits, 4_096)).not.toThrow();
    const tooLong = countChat([plain('x'.repeat(8 * 4_097))], [], qwen);
    expect(() => assertPromptCanFit(tooLong, 4_096)).toThrow(
      expect.objectContaining({
        code: 'CONTEXT_LENGTH_EXCEEDED',
        param: 'messages[0].content',
        limit: { name: 'max_model_len', value: 4_096, actual: 4_097 },
      }),
    );
  });

  it('says so when it cannot count a picture, and refuses nothing on its account', () => {
    const huge = photo(4_000, 4_000);
    expect(countChat([user(image(0))], [huge], unknown)).toEqual({
      atLeast: 0,
      overflowsAt: undefined,
      isWhole: false,
    });
    const { width: _, ...sizeless } = huge;
    expect(countChat([user(image(0))], [sizeless], qwen).isWhole).toBe(false);
  });
});
