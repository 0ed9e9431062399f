import { describe, expect, it } from '@jest/globals';
import { assertBase64DataUrl } from './data-url.js';

const path = 'messages[0].content[1].image_url.url';
const refusalOf = (url: string): unknown => {
  try {
    assertBase64DataUrl(url, path);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('the head of a data URL', () => {
  it.each([
    'data:image/png;base64,',
    'DATA:image/jpeg;charset=x;BASE64,',
    'data:;base64,AAAA',
    ' data: ; base64 ,',
  ])('may be %j: any media type and any case', (url) => expect(refusalOf(url)).toBeUndefined());

  it.each([
    'http://example.org/a.png',
    'https://example.org/a.png',
    'file:///etc/passwd',
    'ftp://h/x',
    ' HTTP://x',
    'blob:abc',
  ])('is refused as an external link: %s', (url) => {
    expect(refusalOf(url)).toMatchObject({ code: 'EXTERNAL_IMAGE_URL', param: path });
  });

  it.each([
    '',
    'AAAA',
    'data:image/png,AAAA',
    'data:image/png;base64',
    'iVBORw0KGgo=',
    `data:${'x'.repeat(250)};base64,AAAA`,
  ])('is refused as no base64 data URL: %j', (url) => {
    expect(refusalOf(url)).toMatchObject({ code: 'INVALID_IMAGE', param: path });
  });
});
