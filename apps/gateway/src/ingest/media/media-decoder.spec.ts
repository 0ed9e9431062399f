import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { MediaDecoder } from './media-decoder.js';
import type { MediaForm } from './media-places.js';

/** Takes everything; `capacity` sets how often the piece is exchanged. */
class Collector {
  piece: Buffer;
  used = 0;
  isEnded = false;
  readonly #full: Buffer[] = [];

  constructor(readonly capacity: number) {
    this.piece = Buffer.alloc(capacity);
  }

  hasRoom(): boolean {
    if (this.used + 3 <= this.capacity) return true;
    this.#full.push(this.piece.subarray(0, this.used));
    this.piece = Buffer.alloc(this.capacity);
    this.used = 0;
    return true;
  }

  end(): void {
    this.isEnded = true;
  }

  get bytes(): Buffer {
    return Buffer.concat([...this.#full, this.piece.subarray(0, this.used)]);
  }
}

function decode(
  text: string,
  cuts: readonly number[] = [],
  form: MediaForm = 'base64',
  capacity = 61_440,
): Buffer {
  const target = new Collector(capacity);
  const decoder = new MediaDecoder(form, 'a.b', target);
  const raw = Buffer.from(`${text}"`);
  const bounds = [0, ...cuts, raw.length];
  for (const [index, end] of bounds.slice(1).entries()) {
    const chunk = raw.subarray(bounds[index], end);
    expect(decoder.write(chunk, 0)).toBe(chunk.length);
  }
  expect([decoder.isDone, target.isEnded]).toEqual([true, true]);
  return target.bytes;
}

const refused = expect.objectContaining({ code: 'INVALID_IMAGE', param: 'a.b' });

describe('MediaDecoder', () => {
  it('gives back what was encoded, at every length around its pieces and cut anywhere', () => {
    for (const length of [1, 2, 3, 190, 191, 192, 193, 49_149, 61_439, 61_440, 61_441, 100_001, 184_320]) {
      const bytes = randomBytes(length);
      const text = bytes.toString('base64');
      for (const capacity of [3, 300, 61_440]) {
        const cuts = [1, 2, 3, 5].filter((cut) => cut <= text.length);
        expect(decode(text, cuts, 'base64', capacity).equals(bytes)).toBe(true);
      }
    }
  });

  it('undoes the escapes that JSON writers put into base64', () => {
    const bytes = randomBytes(90_000);
    const text = bytes.toString('base64');
    const slashed = text.replaceAll('/', '\\/').replaceAll('+', '\\u002B');
    for (const cuts of [[], [1], [65_536], [70_001, 70_002, 70_003, 70_004]]) {
      expect(decode(slashed, cuts).equals(bytes)).toBe(true);
    }
    const units = [...text.slice(0, 400)].map(
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    expect(decode(units.join('')).equals(bytes.subarray(0, 300))).toBe(true);
  });

  it('knows its alphabet exactly, also where a run is long enough for the native decoder', () => {
    const alphabet = new Set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
    const text = randomBytes(3_000).toString('base64');
    for (let code = 0x20; code < 0x7f; code += 1) {
      const char = String.fromCharCode(code);
      if (char === '"' || char === '\\') continue;
      for (const position of [0, 3, 255, 256, 2_001, 2_002, 2_003, 2_004, text.length - 1]) {
        const changed = `${text.slice(0, position)}${char}${text.slice(position + 1)}`;
        const isPadding = char === '=' && position === text.length - 1;
        if (isPadding) continue;
        if (alphabet.has(char)) expect(decode(changed).toString('base64')).toBe(changed);
        else expect(() => decode(changed)).toThrow(refused);
      }
    }
  });

  it('refuses every byte above ASCII and every control, in a long run too', () => {
    const text = Buffer.from(randomBytes(3_000).toString('base64'));
    for (const byte of [0x00, 0x09, 0x0a, 0x0d, 0x1f, 0x7f, 0x80, 0xa0, 0xad, 0xc3, 0xdf, 0xff]) {
      for (const position of [0, 255, 256, 2_001, 3_999]) {
        const changed = Buffer.from(text);
        changed[position] = byte;
        const decoder = new MediaDecoder('base64', 'a.b', new Collector(61_440));
        expect(() => decoder.write(changed, 0)).toThrow();
      }
    }
  });

  it.each([
    '',
    'A',
    'AAA',
    'AA=A',
    'A===',
    '====',
    'AA A',
    'AA\\nA',
    'AA-_',
    'AAA@',
    'AB==',
    'AAB=',
    'AAAA=AAA',
    'AA===',
    '\\u0141AAA',
  ])('refuses %j however it is cut', (text) => {
    for (const prefix of ['', 'AAAA'.repeat(200)]) {
      if (text === '' && prefix !== '') continue;
      for (let cut = 0; cut <= text.length; cut += 1) {
        expect(() => decode(prefix + text, [prefix.length + cut])).toThrow(refused);
      }
    }
  });

  it('looks 256 characters far for the comma of a data URL', () => {
    const head = (length: number): string => `data:${'x'.repeat(length - 13)};base64,`;
    expect(decode(`${head(256)}AAAA`, [], 'data-url').length).toBe(3);
    expect(() => decode(`${head(257)}AAAA`, [], 'data-url')).toThrow(refused);
  });

  it('stops where the target has no room, and goes on there', () => {
    const target = new Collector(300);
    let isOpen = false;
    const decoder = new MediaDecoder('base64', 'a.b', {
      capacity: 300,
      get piece() {
        return target.piece;
      },
      get used() {
        return target.used;
      },
      set used(value) {
        target.used = value;
      },
      hasRoom: () => (target.used + 3 <= 300 || isOpen) && target.hasRoom(),
      end: () => target.end(),
    });
    const bytes = randomBytes(500);
    const raw = Buffer.from(`${bytes.toString('base64')}"`);
    const stopped = decoder.write(raw, 0);
    expect(stopped).toBe(400);
    expect(decoder.write(raw, stopped)).toBe(400);
    isOpen = true;
    expect(decoder.write(raw, stopped)).toBe(raw.length);
    expect(target.bytes.equals(bytes)).toBe(true);
  });
});
