import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { readForm } from '../multipart/read-form.js';
import { readUpload, type Upload } from './read-upload.js';

const boundary = 'b';
const picture = Buffer.from('\r\n--\u0000picture--\r\n');
const field = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name = 'file', content = picture.toString('latin1')): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="a.png"\r\n\r\n${content}\r\n`;
const purpose = field('purpose', 'vision');

interface Reading {
  readonly upload: Promise<Upload>;
  /** What the sink has put away, complete. */
  readonly stored: Buffer[];
}

function read(parts: readonly string[], cut = 0, end = '--b--\r\n'): Reading {
  const bytes = Buffer.from(parts.join('') + end, 'latin1');
  const stored: Buffer[] = [];
  const sink = async (source: AsyncIterable<Uint8Array>): Promise<BlobRef> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece);
    stored.push(Buffer.concat(pieces));
    return { name: 'a'.repeat(64), mediaType: 'image/png', byteSize: 1 };
  };
  const source = (async function* () {
    yield bytes.subarray(0, cut);
    yield bytes.subarray(cut);
  })();
  return { upload: readUpload(readForm(source, boundary), sink), stored };
}

describe('the form of POST /files', () => {
  it('may have its fields in any order, and be cut anywhere', async () => {
    const lifetime = [field('expires_after[anchor]', 'created_at'), field('expires_after[seconds]', '3600')];
    for (const parts of [
      [purpose, ...lifetime, file()],
      [file(), ...lifetime, purpose],
    ]) {
      for (let cut = 0; cut < parts.join('').length; cut += 1) {
        const { upload, stored } = read(parts, cut);
        expect(await upload).toMatchObject({ fileName: 'a.png', purpose: 'vision', expiresAfterS: 3600 });
        expect(stored).toEqual([picture]);
      }
    }
  });

  it('needs no lifetime, and names the fields that mean nothing here', async () => {
    expect(await read([purpose, field('colour', 'red'), file()]).upload).toMatchObject({
      expiresAfterS: undefined,
      ignored: ['colour'],
    });
  });

  it.each([
    ['no file', [purpose], 'file'],
    ['a file that is a text field', [purpose, field('file', 'x')], 'file'],
    ['two files', [purpose, file(), file()], 'file'],
    ['a file in another field', [purpose, file(), file('mask')], 'mask'],
    ['an empty file', [purpose, file('file', '')], 'file'],
    ['no purpose', [file()], 'purpose'],
    ['another purpose', [field('purpose', 'fine-tune'), file()], 'purpose'],
    ['two purposes', [purpose, purpose, file()], 'purpose'],
    ['a purpose that is a file', [file('purpose'), file()], 'purpose'],
    [
      'a lifetime of nothing',
      [purpose, file(), field('expires_after[seconds]', '0')],
      'expires_after[seconds]',
    ],
    [
      'too long a lifetime',
      [purpose, file(), field('expires_after[seconds]', '2592001')],
      'expires_after[seconds]',
    ],
    [
      'a lifetime in words',
      [purpose, file(), field('expires_after[seconds]', '1e3')],
      'expires_after[seconds]',
    ],
    [
      'another anchor',
      [purpose, file(), field('expires_after[anchor]', 'last_used')],
      'expires_after[anchor]',
    ],
  ])('is refused with %s, naming the field', async (_name, parts, param) => {
    await expect(read(parts).upload).rejects.toMatchObject({ code: 'INVALID_REQUEST', param });
  });

  it('is refused when it is cut off, and nothing has been stored', async () => {
    const cut = read([purpose, file()], 0, '');
    await expect(cut.upload).rejects.toMatchObject({ code: 'INVALID_REQUEST', param: 'file' });
    expect(cut.stored).toEqual([]);
  });

  it('is refused as its file is', async () => {
    const source = (async function* () {
      yield Buffer.from(`${purpose}${file()}--b--`, 'latin1');
    })();
    const sink = (): Promise<BlobRef> => Promise.reject(new FoveaError('INVALID_IMAGE', { param: 'file' }));
    await expect(readUpload(readForm(source, boundary), sink)).rejects.toMatchObject({
      code: 'INVALID_IMAGE',
    });
  });
});
