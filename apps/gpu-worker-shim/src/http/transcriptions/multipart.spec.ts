import { describe, expect, it } from '@jest/globals';
import { splitForm } from './multipart.js';

const split = (body: string, contentType = 'multipart/form-data; boundary=x') =>
  splitForm(Buffer.from(body, 'latin1'), contentType)?.map(({ name, isFile, value }) => [
    name,
    isFile,
    value.toString('latin1'),
  ]);
const field = (name: string, value: string) =>
  `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
const file = (value: string) =>
  `Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n${value}`;

describe('a form', () => {
  it('has fields and files, byte by byte as they were sent', () => {
    const sound = '\r\n--y\0\xff--x\r\n\r\n--';
    expect(
      split(
        `--x\r\n${field('model', 'm')}\r\n--x\r\n${file(sound)}\r\n--x\r\n${field('a', '')}\r\n--x--\r\n`,
      ),
    ).toEqual([
      ['model', false, 'm'],
      ['file', true, sound],
      ['a', false, ''],
    ]);
  });

  it('may have a quoted boundary, something before its first part, and headers in any case', () => {
    const type = 'multipart/form-data; charset=utf-8; boundary="a b"';
    const body =
      'for old readers\r\n--a b\r\nx-y: z\r\nCONTENT-DISPOSITION: form-data; filename=a; name=n\r\n\r\nv\r\n--a b--';
    expect(split(body, type)).toEqual([['n', true, 'v']]);
  });

  it('is what the platform writes', async () => {
    const form = new FormData();
    form.set('file', new Blob([Uint8Array.of(13, 10, 45, 45)]), 'a "b".wav');
    form.set('prompt', 'Grüße');
    const sent = new Response(form);
    const type = sent.headers.get('content-type') ?? '';
    const parts = splitForm(Buffer.from(await sent.arrayBuffer()), type);
    expect(parts?.map(({ name, isFile }) => [name, isFile])).toEqual([
      ['file', true],
      ['prompt', false],
    ]);
    expect(parts?.map(({ value }) => value.toString())).toEqual(['\r\n--', 'Grüße']);
  });

  it('may be empty', () => {
    expect(split('--x--')).toEqual([]);
  });

  it.each([
    ['no boundary', `--x\r\n${field('a', 'b')}\r\n--x--`, 'multipart/form-data'],
    ['another boundary', `--x\r\n${field('a', 'b')}\r\n--x--`, 'multipart/form-data; boundary=y'],
    ['no end', `--x\r\n${field('a', 'b')}`, undefined],
    ['no last delimiter', `--x\r\n${field('a', 'b')}\r\n--x`, undefined],
    ['a part without a name', '--x\r\nContent-Disposition: form-data\r\n\r\nb\r\n--x--', undefined],
    [
      'a part without an end of its headers',
      '--x\r\nContent-Disposition: form-data; name="a"\r\n--x--',
      undefined,
    ],
    ['something behind a delimiter', `--xy\r\n${field('a', 'b')}\r\n--x--`, undefined],
    ['too many parts', `${`--x\r\n${field('a', 'b')}\r\n`.repeat(66)}--x--`, undefined],
    ['nothing', '', undefined],
  ])('is none with %s', (_what, body, type) => {
    expect(split(body, type)).toBeUndefined();
  });
});
