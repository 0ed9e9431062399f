import { inflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { NoisePng, PNG_HEADER_BYTES } from './png.js';

const bytesOf = (png: NoisePng): Buffer => {
  const text = Buffer.concat([...png.nextBase64()]).toString('latin1');
  expect(text).toHaveLength(png.base64Length);
  return Buffer.from(text, 'base64');
};

function chunksOf(file: Buffer): { type: string; content: Buffer }[] {
  const chunks = [];
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    chunks.push({
      type: file.toString('latin1', at + 4, at + 8),
      content: file.subarray(at + 8, at + 8 + length),
    });
    at += length + 12;
  }
  return chunks;
}

describe('NoisePng', () => {
  test('is a PNG with the size in its first bytes and all its pixels', () => {
    const file = bytesOf(new NoisePng(300, 200));
    expect(file.readUInt32BE(16)).toBe(300);
    expect(file.readUInt32BE(20)).toBe(200);
    const chunks = chunksOf(file);
    expect(chunks[0]?.content).toHaveLength(PNG_HEADER_BYTES - 8 - 12);
    const pixels = chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content);
    expect(inflateSync(Buffer.concat(pixels))).toHaveLength(200 * (1 + 300 * 3));
    expect(chunks.at(-1)?.type).toBe('IEND');
  });

  test('every picture is another file', () => {
    const png = new NoisePng(8, 8);
    expect(bytesOf(png).equals(bytesOf(png))).toBe(false);
  });

  test('fills a given length of base64 text to a row or two', () => {
    const { base64Length } = NoisePng.ofBase64Length(512, 1_000_000);
    expect(base64Length).toBeLessThanOrEqual(1_000_000);
    expect(base64Length).toBeGreaterThan(990_000);
  });
});
