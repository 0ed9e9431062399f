import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeGroups, digitValues } from './base64.js';
import { base64Program, STEP_BYTES } from './base64-program.js';

/** Decodes from behind some other bytes to behind some others, and looks at what surrounds the result. */
function decode(text: Buffer): { groups: number; bytes: Buffer } {
  const source = Buffer.concat([Buffer.from('???'), text, Buffer.from('AAAAAAAA')]);
  const target = Buffer.alloc(text.length + 32, 0xee);
  const groups = decodeGroups(source, 3, 3 + text.length, target, 5);
  const isUntouched = (byte: number): boolean => byte === 0xee;
  expect(target.subarray(0, 5).every(isUntouched)).toBe(true);
  // Room is promised for every group of the text, not for more.
  expect(target.subarray(5 + (text.length >>> 2) * 3).every(isUntouched)).toBe(true);
  return { groups, bytes: target.subarray(5, 5 + groups * 3) };
}

const base64Of = (byteSize: number): Buffer =>
  Buffer.from(randomBytes(byteSize).toString('base64'), 'latin1');

describe('base64 groups', () => {
  it('are decoded as Node decodes them, whatever their number', () => {
    for (let groups = 0; groups < 700; groups += 1) {
      const text = base64Of(groups * 3);
      const { groups: taken, bytes } = decode(text);
      expect(taken).toBe(groups);
      expect(bytes.equals(Buffer.from(text.toString('latin1'), 'base64'))).toBe(true);
    }
    for (const groups of [4096, 4097, 12_345, 30_000])
      expect(decode(base64Of(groups * 3)).groups).toBe(groups);
  });

  it('end before any byte that is no digit, wherever it stands', () => {
    const clean = base64Of(384);
    for (let position = 0; position < clean.length; position += 1) {
      for (const byte of [
        0x00, 0x20, 0x22, 0x2c, 0x2d, 0x2e, 0x3a, 0x3d, 0x40, 0x5b, 0x5c, 0x5f, 0x60, 0x7b, 0x80, 0xff,
      ]) {
        const text = Buffer.from(clean);
        text[position] = byte;
        expect(decode(text).groups).toBe(position >>> 2);
      }
    }
  });
});

describe('the vector loop', () => {
  interface Exports {
    readonly memory: { readonly buffer: ArrayBuffer };
    decode(from: number, end: number, to: number): number;
  }
  interface Api {
    readonly Module: new (program: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: Exports };
  }
  const { WebAssembly } = globalThis as unknown as { WebAssembly: Api };
  const { memory, decode: run } = new WebAssembly.Instance(new WebAssembly.Module(base64Program)).exports;
  const bytes = Buffer.from(memory.buffer);

  it('knows all 256 bytes at each of its 64 places', () => {
    for (let place = 0; place < STEP_BYTES; place += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        bytes.fill('A', 0, STEP_BYTES);
        bytes[place] = byte;
        expect(run(0, STEP_BYTES, 1024)).toBe(digitValues[byte]! < 0 ? 0 : STEP_BYTES);
      }
    }
  });

  it('gives every digit its value at each of its places', () => {
    for (let place = 0; place < STEP_BYTES; place += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        if (digitValues[byte]! < 0) continue;
        bytes.fill('A', 0, STEP_BYTES);
        bytes[place] = byte;
        run(0, STEP_BYTES, 1024);
        const expected = Buffer.from(bytes.toString('latin1', 0, STEP_BYTES), 'base64');
        expect(bytes.subarray(1024, 1024 + 48).equals(expected)).toBe(true);
      }
    }
  });
});
