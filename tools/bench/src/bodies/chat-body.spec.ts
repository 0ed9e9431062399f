import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { imageBody, picturesFor, textBody } from './chat-body.js';

const bodySchema = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      content: z.array(z.object({ type: z.string(), image_url: z.object({ url: z.string() }).optional() })),
    }),
  ),
});

describe('imageBody', () => {
  test('is a chat request of the promised length with the pictures in it', () => {
    const body = imageBody('bench', picturesFor(400_000, 4, 128));
    const bytes = Buffer.concat([...body.slices(1_000)]);
    expect(bytes).toHaveLength(body.byteLength);
    expect(body.byteLength).toBeLessThanOrEqual(400_000);
    expect(body.byteLength).toBeGreaterThan(380_000);
    const { messages } = bodySchema.parse(JSON.parse(bytes.toString()));
    const urls = messages[0]?.content.flatMap((part) => part.image_url?.url ?? []) ?? [];
    expect(new Set(urls).size).toBe(4);
    const file = Buffer.from(urls[0]?.split(',')[1] ?? '', 'base64');
    expect(file.readUInt32BE(16)).toBe(128);
  });

  test('every slice but the last has the size asked for, whatever the parts of the body', () => {
    const body = imageBody('bench', picturesFor(100_000, 3, 64));
    const whole = Buffer.concat([...body.slices(body.byteLength)]);
    for (const size of [1, 7, 100, 4_096, 33_333]) {
      const slices = [...body.slices(size)];
      expect(slices.slice(0, -1).every(({ length }) => length === size)).toBe(true);
      expect(Buffer.concat(slices).equals(whole)).toBe(true);
    }
  });

  test('names the position at which the size of the first picture is known', () => {
    const body = imageBody('bench', picturesFor(100_000, 1, 64));
    const bytes = Buffer.concat([...body.slices(50_000)]).subarray(0, body.firstHeaderEnd);
    const base64 = bytes.toString().split('base64,')[1] ?? '';
    expect(Buffer.from(base64, 'base64')).toHaveLength(33);
  });
});

test('a text body has exactly the size asked for', () => {
  expect(textBody('bench-text', 1024)).toHaveLength(1024);
});
