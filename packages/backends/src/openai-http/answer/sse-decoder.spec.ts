import { describe, expect, it } from '@jest/globals';
import { SseDecoder } from './sse-decoder.js';

function decode(pieces: readonly Uint8Array[]): string[] {
  const decoder = new SseDecoder();
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()];
}

function cut(bytes: Buffer, ...places: number[]): Buffer[] {
  return [0, ...places].map((place, at) => bytes.subarray(place, [...places, bytes.length][at]));
}

const expected = ['{"a":"ß€😀"}', 'two\nlines', 'unspaced', '[DONE]'];
const lines = [
  ': a comment',
  'data: {"a":"ß€😀"}',
  '',
  'event: message',
  'id: 7',
  'data: two',
  'data: lines',
  '',
  'retry: 10',
  '',
  'data:unspaced',
  '',
  '',
  'data: [DONE]',
  '',
  '',
];

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
])('a stream with %s line ends', (_name, lineEnd) => {
  const bytes = Buffer.from(lines.join(lineEnd));

  it('is read whole', () => {
    expect(decode([bytes])).toEqual(expected);
  });

  it('is read the same byte by byte', () => {
    expect(decode([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('is read the same when cut at any one or two places, inside UTF-8 sequences and line ends too', () => {
    for (let first = 0; first <= bytes.length; first += 1) {
      for (let second = first; second <= bytes.length; second += 1) {
        const pieces = cut(bytes, first, second);
        const got = decode(pieces);
        if (got.join('|') !== expected.join('|'))
          throw new Error(`cut at ${first}, ${second}: ${got.join('|')}`);
      }
    }
  });
});

describe('line ends', () => {
  it('may be mixed', () => {
    expect(decode([Buffer.from('data: a\r\n\ndata: b\r\rdata: c\n\r\n')])).toEqual(['a', 'b', 'c']);
  });

  it('take one LF after a CR only, also across pieces and empty pieces', () => {
    const pieces = ['data: a\r', '', '\n', '\n', 'data: b\r', '\r', 'data: c\n\n'].map((text) =>
      Buffer.from(text),
    );
    expect(decode(pieces)).toEqual(['a', 'b', 'c']);
  });
});

describe('an event', () => {
  it('is given as soon as its blank line is there', () => {
    const decoder = new SseDecoder();
    expect(decoder.push(Buffer.from('data: a\n'))).toEqual([]);
    expect(decoder.push(Buffer.from('\nda'))).toEqual(['a']);
  });

  it('with whole lines but no blank line is given at the end, a line cut short is not', () => {
    expect(decode([Buffer.from('data: [DONE]\n')])).toEqual(['[DONE]']);
    expect(decode([Buffer.from('data: {"cut')])).toEqual([]);
  });

  it('may be empty, and may follow a byte order mark', () => {
    expect(decode([Buffer.from('\ufeffdata\n\ndata:\n\ndata: \ufeff\n\n')])).toEqual(['', '', '\ufeff']);
  });

  it('keeps the bytes of a piece whose memory is used again', () => {
    const decoder = new SseDecoder();
    const piece = Buffer.from('data: kept');
    decoder.push(piece);
    piece.fill(0);
    expect(decoder.push(Buffer.from('\n\n'))).toEqual(['kept']);
  });
});

describe('the bound', () => {
  const over = expect.objectContaining({ code: 'BACKEND_ERROR' });

  it('stops a line that does not end', () => {
    const decoder = new SseDecoder(100);
    decoder.push(Buffer.from('a'.repeat(100)));
    expect(() => decoder.push(Buffer.from('a'))).toThrow(over);
  });

  it('stops a line that ends too late', () => {
    expect(() => new SseDecoder(100).push(Buffer.from(`${'a'.repeat(101)}\n`))).toThrow(over);
    expect(new SseDecoder(100).push(Buffer.from(`${'a'.repeat(100)}\n`))).toEqual([]);
  });

  it('stops an event of ever more lines', () => {
    const decoder = new SseDecoder(100);
    expect(() => decoder.push(Buffer.from('data: aaaaaaaaaa\n'.repeat(10)))).toThrow(over);
  });

  it('lets 8 MiB pass by default', () => {
    const long = 'x'.repeat(8 * 1024 * 1024 - 'data: '.length);
    expect(new SseDecoder().push(Buffer.from(`data: ${long}\n\n`))[0]).toHaveLength(long.length);
    expect(() => new SseDecoder().push(Buffer.from(`data: x${long}\n\n`))).toThrow(over);
  });
});
