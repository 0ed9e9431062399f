import { describe, expect, it } from '@jest/globals';
import { decodeDataUrl } from './data-url.js';

const path = 'messages[0].content[1].image_url.url';
const refused = (code: string) => expect.objectContaining({ code, param: path });

describe('a data URL', () => {
  it.each([1, 2, 3, 4, 1000])('gives the bytes it holds (%i)', (length) => {
    const bytes = Buffer.alloc(length, 0xfb);
    expect(decodeDataUrl(`data:image/png;base64,${bytes.toString('base64')}`, path)).toEqual(bytes);
  });

  it('may write its scheme in capitals and declare any media type', () => {
    expect(decodeDataUrl('DATA:text/whatever;base64,QUJD', path)).toEqual(Buffer.from('ABC'));
    expect(decodeDataUrl('data:;base64,QUJD', path)).toEqual(Buffer.from('ABC'));
  });

  it.each([
    ['no padding', 'data:image/png;base64,QUI'],
    ['wrong padding', 'data:image/png;base64,QUI==='],
    ['padding in the middle', 'data:image/png;base64,QQ==QUJD'],
    ['one = too early', 'data:image/png;base64,QU=C'],
    ['a blank', 'data:image/png;base64,QUJD QUJ'],
    ['a line break', 'data:image/png;base64,QUJD\nUJ'],
    ['the URL-safe alphabet', 'data:image/png;base64,-_-_'],
    ['a foreign character', 'data:image/png;base64,QUJé'],
    ['nothing behind the comma', 'data:image/png;base64,'],
    ['no comma', 'data:image/png;base64'],
    ['no base64', 'data:image/png,QUJD'],
    ['a parameter before base64', 'data:image/png;charset=x;base64,QUJD'],
    ['base64 in capitals', 'data:image/png;BASE64,QUJD'],
  ])('with %s is refused', (_what, url) => {
    expect(() => decodeDataUrl(url, path)).toThrow(refused('INVALID_IMAGE'));
  });

  it.each(['http://10.0.0.1/x.png', 'https://x/y', 'file:///etc/passwd', '', 'iVBORw0KGgo='])(
    'is asked for instead of %j, which is never fetched',
    (url) => {
      expect(() => decodeDataUrl(url, path)).toThrow(refused('EXTERNAL_IMAGE_URL'));
    },
  );
});
