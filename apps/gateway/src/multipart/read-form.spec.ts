import { randomBytes } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';
import { boundaryOf } from './boundary-of.js';
import { defaultFormLimits } from './form-limits.js';
import { readForm, readTextField } from './read-form.js';

const boundary = 'XyZ-4711';

interface Part {
  readonly head: string;
  readonly content: string | Buffer;
}
const field = (name: string, content: string | Buffer): Part => ({
  head: `Content-Disposition: form-data; name="${name}"`,
  content,
});
const file = (name: string, fileName: string, content: string | Buffer, type = 'image/png'): Part => ({
  head: `Content-Disposition: form-data; name="${name}"; filename="${fileName}"\r\nContent-Type: ${type}`,
  content,
});

function form(parts: readonly Part[], end = `--${boundary}--\r\n`): Buffer {
  const pieces = parts.map(({ head, content }) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
  );
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

async function* inPieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

interface Seen {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly mediaType: string;
  readonly content: string;
}

async function seen(source: AsyncIterable<Uint8Array>, limits = defaultFormLimits): Promise<Seen[]> {
  const parts: Seen[] = [];
  for await (const { name, fileName, mediaType, bytes } of readForm(source, boundary, limits)) {
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(Buffer.from(piece));
    parts.push({ name, fileName, mediaType, content: Buffer.concat(pieces).toString('latin1') });
  }
  return parts;
}
const whole = (bytes: Buffer): Promise<Seen[]> => seen(inPieces(bytes, []));

/** Lines that nearly are delimiters, and every byte there is. */
const hardContent = Buffer.concat([
  Buffer.from(`\r\n--XyZ-471\r\r\n-\r\n--\r\n--X\r\n\r\n--XyZ-471\n--${boundary}\r`),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('\r\n'),
]);
const everything = form([
  field('purpose', 'vision'),
  file('file', 'ä b.png', hardContent),
  field('empty', ''),
  file('nothing', '', ''),
]);
const expected = [
  { name: 'purpose', fileName: undefined, mediaType: 'text/plain', content: 'vision' },
  { name: 'file', fileName: 'ä b.png', mediaType: 'image/png', content: hardContent.toString('latin1') },
  { name: 'empty', fileName: undefined, mediaType: 'text/plain', content: '' },
  { name: 'nothing', fileName: '', mediaType: 'image/png', content: '' },
];

describe('readForm', () => {
  it('gives every part with its bytes, in order', async () => {
    expect(await whole(everything)).toEqual(expected);
  });

  it('gives the same however the body is cut: at every byte, in single bytes, at random', async () => {
    for (let cut = 0; cut <= everything.length; cut += 1) {
      expect(await seen(inPieces(everything, [cut]))).toEqual(expected);
    }
    const single = [...everything].map((_, index) => index);
    expect(await seen(inPieces(everything, single))).toEqual(expected);
    for (let round = 0; round < 200; round += 1) {
      const cuts = [...randomBytes(12)].map((byte) => (byte * everything.length) >> 8).sort((a, b) => a - b);
      expect(await seen(inPieces(everything, cuts))).toEqual(expected);
    }
  });

  it('reads what another encoder writes', async () => {
    const body = new FormData();
    body.set('purpose', 'vision');
    body.set('file', new File([hardContent], 'a "quoted" name.png', { type: 'image/PNG' }));
    const request = new Request('http://h/', { method: 'POST', body });
    const written = Buffer.from(await request.clone().arrayBuffer());
    const parts: Seen[] = [];
    const announced = boundaryOf(request.headers.get('content-type') ?? undefined);
    for await (const part of readForm(inPieces(written, [7, 90]), announced)) {
      const pieces: Uint8Array[] = [];
      for await (const piece of part.bytes) pieces.push(piece);
      parts.push({ ...part, content: Buffer.concat(pieces).toString('latin1') });
    }
    expect(parts).toMatchObject([
      { name: 'purpose', content: 'vision' },
      {
        name: 'file',
        fileName: 'a "quoted" name.png',
        mediaType: 'image/png',
        content: hardContent.toString('latin1'),
      },
    ]);
  });

  it('refuses a body that is cut off anywhere, and names the part it was in', async () => {
    const end = everything.lastIndexOf('--') + 2;
    for (let length = 0; length < end; length += 1) {
      await expect(whole(everything.subarray(0, length))).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    }
    await expect(whole(form([field('purpose', 'vision')], ''))).rejects.toMatchObject({ param: 'purpose' });
    await expect(whole(form([file('file', 'a', 'x')], '--other--'))).rejects.toMatchObject({ param: 'file' });
  });

  it('passes what a consumer does not read, wherever it stopped', async () => {
    const names: string[] = [];
    for await (const part of readForm(inPieces(everything, [150, 200]), boundary)) {
      names.push(part.name);
      for await (const _piece of part.bytes) break;
    }
    expect(names).toEqual(expected.map((part) => part.name));
  });

  it('asks its source only for what is read', async () => {
    let asked = 0;
    const source = (async function* () {
      for (const byte of everything) {
        asked += 1;
        yield Buffer.from([byte]);
      }
    })();
    const parts = readForm(source, boundary);
    const first = await parts.next();
    expect(asked).toBeLessThan(80);
    if (first.done !== true) expect(await readTextField(first.value)).toBe('vision');
    expect(asked).toBeLessThan(120);
  });

  it('reads a body to its end, so that what follows the form is counted', async () => {
    const closing = Buffer.from('\r\nepilogue');
    let left = 3;
    const source = (async function* () {
      yield everything;
      while (left > 0) {
        left -= 1;
        yield closing;
      }
    })();
    await seen(source);
    expect(left).toBe(0);
  });

  it('passes on errors of its source', async () => {
    const source = (async function* () {
      yield everything.subarray(0, 120);
      throw new FoveaError('CLIENT_CLOSED');
    })();
    await expect(seen(source)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it.each([
    ['an empty body', Buffer.alloc(0), undefined],
    [
      'another boundary',
      Buffer.from('--other\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--other--'),
      undefined,
    ],
    ['a body that is no form', Buffer.alloc(70_000, '{"model": "vlm"}'), undefined],
    ['text behind a boundary', Buffer.from(`--${boundary}x\r\n\r\n`), undefined],
    ['endless padding', Buffer.from(`--${boundary}${' '.repeat(100_000)}`), undefined],
    ['a part without headers', form([{ head: '', content: 'x' }]), undefined],
    ['a part without a name', form([{ head: 'Content-Disposition: form-data', content: 'x' }]), undefined],
    ['an empty name', form([field('', 'x')]), undefined],
    ['an attachment', form([{ head: 'Content-Disposition: attachment; name="a"', content: 'x' }]), undefined],
    ['a broken header', form([{ head: 'Content-Disposition', content: 'x' }]), undefined],
    ['nested forms', form([file('file', 'a', 'x', 'multipart/mixed; boundary=b')]), 'file'],
    [
      'base64',
      form([{ head: `${field('a', '').head}\r\nContent-Transfer-Encoding: base64`, content: 'x' }]),
      'a',
    ],
    ['a control character in a name', form([file('file', 'a\u0000b', 'x')]), 'file'],
    ['a file name that is too long', form([file('file', 'a'.repeat(256), 'x')]), 'file'],
    ['too many parts', form(Array.from({ length: 17 }, (_, index) => field(`f${index}`, 'x'))), undefined],
    [
      'headers that are too long',
      form([{ head: `${field('a', '').head}\r\nX: ${'x'.repeat(8_192)}`, content: '' }]),
      undefined,
    ],
    ['headers without end', Buffer.from(`--${boundary}\r\nX: ${'x'.repeat(100_000)}`), undefined],
  ])('refuses %s as INVALID_REQUEST, naming the part', async (_name, body, param) => {
    const refused = { code: 'INVALID_REQUEST', param };
    await expect(whole(body)).rejects.toMatchObject(refused);
    await expect(seen(inPieces(body, [...body.keys()].slice(0, 2_000)))).rejects.toMatchObject(refused);
  });

  it('takes what stands at its limits', async () => {
    const limits = { maxParts: 2, maxHeaderBytes: 100, maxFileNameLength: 3 };
    const padded = (length: number): Part => {
      const { head } = field('a', '');
      return { head: `${head}\r\nX: ${'x'.repeat(length - head.length - 5)}`, content: 'y' };
    };
    expect(await seen(inPieces(form([padded(100), file('f', 'a'.repeat(3), 'x')]), []), limits)).toHaveLength(
      2,
    );
    await expect(seen(inPieces(form([padded(101)]), []), limits)).rejects.toMatchObject({
      limit: { name: 'max_part_header_bytes', value: 100 },
    });
  });

  it('takes headers in any case and order, and both ways to write a file name', async () => {
    const body = form([
      {
        head: 'content-type: AUDIO/wav; rate=8000\r\nCONTENT-DISPOSITION: Form-Data; filename="C:\\a\\b.wav" ;name=audio;',
        content: '1',
      },
      {
        head: 'Content-Disposition: form-data; name="f"; filename*=UTF-8\'\'na%C3%AFve.png; filename="x"',
        content: '2',
      },
      { head: 'Content-Disposition: form-data; name="g"; filename="say \\"hi\\".png"', content: '3' },
    ]);
    expect(await whole(body)).toMatchObject([
      { name: 'audio', fileName: 'C:\\a\\b.wav', mediaType: 'audio/wav', content: '1' },
      { name: 'f', fileName: 'naïve.png', mediaType: 'text/plain', content: '2' },
      { name: 'g', fileName: 'say "hi".png', content: '3' },
    ]);
  });
});

describe('readTextField', () => {
  const read = async (part: Part, maxBytes?: number): Promise<string> => {
    for await (const found of readForm(inPieces(form([part]), [75]), boundary)) {
      return readTextField(found, maxBytes);
    }
    throw new Error('the form is empty');
  };

  it('gives text up to its bound', async () => {
    expect(await read(field('a', 'grüße'), 7)).toBe('grüße');
    await expect(read(field('a', 'grüße'), 6)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'a',
      limit: { name: 'max_field_bytes', value: 6 },
    });
  });

  it('refuses a file and what is no UTF-8', async () => {
    await expect(read(file('a', 'b', 'x'))).rejects.toMatchObject({ code: 'INVALID_REQUEST', param: 'a' });
    await expect(read(field('a', Buffer.from([0xff])))).rejects.toMatchObject({ param: 'a' });
  });
});

describe('boundaryOf', () => {
  it('finds the boundary, quoted or not', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc');
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b:c"')).toBe('a b:c');
  });

  it.each([
    undefined,
    '',
    'application/json',
    'multipart/mixed; boundary=a',
    'multipart/form-dataX; boundary=a',
  ])('refuses the type %s', (type) => {
    expect(() => boundaryOf(type)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_MEDIA_TYPE' }));
  });

  it.each([
    '',
    '; boundary=',
    '; boundary=""',
    '; boundary="a "',
    `; boundary=${'a'.repeat(71)}`,
    '; boundary="ä"',
    '; boundary="a\r\nb"',
  ])('refuses the boundary in %j', (rest) => {
    expect(() => boundaryOf(`multipart/form-data${rest}`)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });
});
