import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { base64Of, decodeBase64 } from './data-url.js';

const path = 'messages[0].content[1].image_url.url';
const decode = (text: string): Buffer => Buffer.concat([...decodeBase64(text, path)]);
const refusal = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
};

describe('base64Of', () => {
  it('takes any media type and any case of the scheme', () => {
    expect(base64Of('data:image/png;base64,AAAA', path)).toBe('AAAA');
    expect(base64Of('DATA:image/jpeg;charset=x;BASE64,AAAA', path)).toBe('AAAA');
    expect(base64Of('data:;base64,AAAA', path)).toBe('AAAA');
  });

  it.each([
    'http://example.org/a.png',
    'https://example.org/a.png',
    'file:///etc/passwd',
    'ftp://h/x',
    ' HTTP://x',
    'blob:abc',
  ])('refuses %s as an external link', (url) => {
    expect(refusal(() => base64Of(url, path))).toMatchObject({ code: 'EXTERNAL_IMAGE_URL', param: path });
  });

  it.each(['', 'AAAA', 'data:image/png,AAAA', 'data:image/png;base64', 'iVBORw0KGgo='])(
    'refuses %j as no base64 data URL',
    (url) => {
      expect(refusal(() => base64Of(url, path))).toMatchObject({ code: 'INVALID_IMAGE', param: path });
    },
  );
});

describe('decodeBase64', () => {
  it('gives back what was encoded, at every length around the piece size', () => {
    for (const length of [1, 2, 3, 49_149, 49_150, 49_151, 49_152, 49_153, 98_304, 100_001]) {
      const bytes = randomBytes(length);
      expect(decode(bytes.toString('base64')).equals(bytes)).toBe(true);
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
    'AA\nA',
    'AA-_',
    'AAA@',
    'AB==',
    'AAB=',
    'AAAA=AAA',
  ])('refuses %j', (text) => {
    expect(refusal(() => decode(text))).toMatchObject({ code: 'INVALID_IMAGE', param: path });
  });

  it('finds an illegal character wherever it stands', () => {
    const text = randomBytes(150_000).toString('base64');
    for (const position of [0, 65_535, 65_536, text.length - 1]) {
      const broken = `${text.slice(0, position)}*${text.slice(position + 1)}`;
      expect(refusal(() => decode(broken))).toMatchObject({ code: 'INVALID_IMAGE' });
    }
  });
});
