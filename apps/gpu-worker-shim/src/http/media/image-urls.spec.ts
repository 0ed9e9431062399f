import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ImageUrls, MAX_FILE_BYTES } from './image-urls.js';
import { MediaFolder } from './media-folder.js';

const never = new AbortController().signal;
const param = 'messages[0].content[0].image_url.url';

let place: string;
let folder: MediaFolder;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'fovea-images-'));
  folder = await MediaFolder.find(place);
});
afterAll(() => rm(place, { recursive: true }));

const urlOf = (name: string): string => pathToFileURL(join(place, name)).href;

describe('the images of a request', () => {
  it('are data URLs, whatever else is allowed', async () => {
    for (const images of [new ImageUrls(folder, never), new ImageUrls(undefined, never)]) {
      expect(await images.read('data:image/png;base64,QUJD', param)).toEqual({ bytes: Buffer.from('ABC') });
      await expect(images.read('https://example.org/a.png', param)).rejects.toMatchObject({
        code: 'EXTERNAL_IMAGE_URL',
        param,
      });
    }
  });

  it('are no files where none are allowed: 500, as vLLM', async () => {
    const images = new ImageUrls(undefined, never);
    for (const url of ['file:///etc/passwd', 'FILE:///nothing']) {
      await expect(images.read(url, param)).rejects.toMatchObject({
        status: 500,
        message: 'Cannot load local files without `--allowed-local-media-path`.',
        param,
      });
    }
  });

  it('are read once when they are named again', async () => {
    await writeFile(join(place, 'a'), 'first');
    const images = new ImageUrls(folder, never);
    const first = await images.read(urlOf('a'), param);
    await writeFile(join(place, 'a'), 'later');
    expect(await images.read(urlOf('a'), param)).toBe(first);
    const later = await new ImageUrls(folder, never).read(urlOf('a'), param);
    expect(Buffer.from(later.bytes).toString()).toBe('later');
  });

  it('may have as many bytes in files as fit a body, all together', async () => {
    for (const [name, bytes] of [
      ['half', MAX_FILE_BYTES / 2],
      ['rest', MAX_FILE_BYTES / 2 + 1],
    ] as const) {
      await writeFile(join(place, name), '');
      await truncate(join(place, name), bytes);
    }
    const images = new ImageUrls(folder, never);
    expect((await images.read(urlOf('half'), param)).bytes).toHaveLength(MAX_FILE_BYTES / 2);
    await expect(images.read(urlOf('rest'), param)).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      param,
      limit: { name: 'max_file_bytes', value: MAX_FILE_BYTES, actual: MAX_FILE_BYTES + 1 },
    });
    // What was refused takes no room.
    await images.read(urlOf('half'), param);
    await writeFile(join(place, 'small'), 'small');
    expect((await images.read(urlOf('small'), param)).bytes).toHaveLength(5);
  });
});
