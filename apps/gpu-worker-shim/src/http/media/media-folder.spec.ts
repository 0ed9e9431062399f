import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FoveaError } from '@fovea/errors';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FileReading, MediaFolder } from './media-folder.js';

const param = 'messages[0].content[0].image_url.url';
const never = new AbortController().signal;

let place: string;
let root: string;
let folder: MediaFolder;
beforeAll(async () => {
  place = await realpath(await mkdtemp(join(tmpdir(), 'fovea-media-')));
  root = join(place, 'media');
  await mkdir(join(root, 'below'), { recursive: true });
  await mkdir(join(place, 'media-beside'));
  await writeFile(join(place, 'media-beside', 'secret'), 'secret');
  await writeFile(join(place, 'secret'), 'secret');
  await writeFile(join(root, 'picture'), 'bytes');
  folder = await MediaFolder.find(root);
});
afterAll(() => rm(place, { recursive: true }));

const makeFifo = (path: string) => execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
const urlOf = (...path: string[]): string => pathToFileURL(join(root, ...path)).href;
const read = (url: string, reading: Partial<FileReading> = {}): Promise<Uint8Array> =>
  folder.read(url, { param, signal: never, take: () => undefined, ...reading });
const text = async (url: string): Promise<string> => Buffer.from(await read(url)).toString();
/** Status, words and field of a refusal, as the client gets them. */
async function refusal(url: string) {
  const error: unknown = await read(url).then(
    () => new Error('it was read'),
    (reason: unknown) => reason,
  );
  const { status, message, param: field } = error as FoveaError;
  return { status, message, param: field };
}

const outside = {
  status: 400,
  message: expect.stringMatching(/^The file path must be a subpath of `--allowed-local-media-path`/),
  param,
};
const missing = { status: 500, message: '[Errno 2] No such file or directory', param };
const irregular = { status: 400, message: 'The path names no regular file.', param };
const malformed = { status: 400, message: expect.stringMatching(/^A file URL has the form/), param };

describe('the media folder', () => {
  it.each(['a b.png', 'Bär 🎈.png', '100%.png', 'a?b#c.png', 'q"uo\'te', 'back\\slash', 'x'.repeat(255)])(
    'gives the bytes of %j by its encoded name',
    async (name) => {
      await writeFile(join(root, 'below', name), name);
      expect(await text(urlOf('below', name))).toBe(name);
    },
  );

  it('takes the ways in which one path can be written', async () => {
    await writeFile(join(root, 'ä.png'), 'ä');
    const { href } = pathToFileURL(root);
    for (const url of [
      `${href}/ä.png`,
      `${href}/%C3%A4.png`,
      `${href}/%c3%a4.png?size=9#part`,
      `${href}/below/../%C3%A4.png`,
      `${href}/below/%2e%2E/%C3%A4.png`,
      `${href}//./%C3%A4.png`,
      `FILE${href.slice(4)}/%C3%A4.png`,
      `file://localhost${href.slice('file://'.length)}/%C3%A4.png`,
    ]) {
      expect([url, await text(url)]).toEqual([url, 'ä']);
    }
  });

  it('follows links that stay inside, and may be reached through one itself', async () => {
    await symlink('../picture', join(root, 'below', 'link'));
    await symlink(root, join(place, 'alias'));
    expect(await text(urlOf('below', 'link'))).toBe('bytes');
    const alias = await MediaFolder.find(join(place, 'alias'));
    const reading = { param, signal: never, take: () => undefined };
    for (const url of [urlOf('picture'), pathToFileURL(join(place, 'alias', 'picture')).href]) {
      expect(Buffer.from(await alias.read(url, reading)).toString()).toBe('bytes');
    }
  });

  it('may be the whole file system', async () => {
    const all = await MediaFolder.find('/');
    const bytes = await all.read(urlOf('picture'), { param, signal: never, take: () => undefined });
    expect(Buffer.from(bytes).toString()).toBe('bytes');
  });

  it('has one refusal for what lies outside, whether it is there or not', async () => {
    await symlink(place, join(root, 'up'));
    await symlink('../secret', join(root, 'out'));
    await symlink('../nothing', join(root, 'dangling'));
    await symlink('loop', join(root, 'loop'));
    for (const url of [
      'file:///etc/passwd',
      'file:///etc/no-such-file',
      'file:///',
      urlOf(),
      urlOf('..', 'secret'),
      urlOf('..', 'media-beside', 'secret'),
      urlOf('..', 'media-beside', 'nothing'),
      `${urlOf()}/%2e%2e/secret`,
      urlOf('up', 'secret'),
      urlOf('up', 'nothing', 'at', 'all'),
      urlOf('out'),
      urlOf('dangling'),
      urlOf('dangling', 'below'),
      urlOf('loop'),
    ]) {
      expect([url, await refusal(url)]).toEqual([url, outside]);
    }
  });

  it('tells what is missing inside as vLLM does, without its path', async () => {
    for (const url of [urlOf('nothing'), urlOf('no', 'such', 'folder'), urlOf('picture', 'below')]) {
      expect([url, await refusal(url)]).toEqual([url, missing]);
    }
    expect(await refusal(urlOf('x'.repeat(256)))).toEqual(missing);
  });

  it.each([
    ['an encoded slash', '/a%2Fb'],
    ['an escape that is none', '/a%zz'],
    ['bytes that are no UTF-8', '/%ff'],
    ['a zero byte', '/a%00.png'],
    ['no end', `/${'a'.repeat(20_000)}`],
  ])('refuses a URL with %s', async (_what, path) => {
    expect(await refusal(`file://${path}`)).toEqual(malformed);
  });

  it('refuses a URL of another host', async () => {
    expect(await refusal(`file://fileserver${root}/picture`)).toEqual(malformed);
    expect(await refusal('file://[')).toEqual(malformed);
  });

  it('opens no folder, FIFO, socket or device, and waits for none', async () => {
    makeFifo(join(root, 'fifo'));
    const server = createServer().listen(join(root, 'socket'));
    await once(server, 'listening');
    try {
      for (const name of ['below', 'fifo', 'socket']) expect(await refusal(urlOf(name))).toEqual(irregular);
    } finally {
      server.close();
    }
    const devices = await MediaFolder.find('/dev');
    const zeros = devices.read('file:///dev/zero', { param, signal: never, take: () => undefined });
    await expect(zeros).rejects.toMatchObject(irregular);
  });

  it('refuses an empty file as an empty image', async () => {
    await writeFile(join(root, 'empty'), '');
    expect(await refusal(urlOf('empty'))).toEqual({ status: 400, message: 'The image is empty.', param });
  });

  it('asks whether the bytes may be taken before it reads them', async () => {
    await writeFile(join(root, 'large'), '');
    // Takes no place on the disk, and would take all of the memory.
    await truncate(join(root, 'large'), 2 ** 40);
    const asked: number[] = [];
    const full = new FoveaError('PAYLOAD_TOO_LARGE');
    const take = (bytes: number) => {
      asked.push(bytes);
      throw full;
    };
    await expect(read(urlOf('large'), { take })).rejects.toBe(full);
    expect(asked).toEqual([2 ** 40]);
  });

  it('gives what was there when a file grows, shrinks or goes while it is read', async () => {
    const path = join(root, 'changing');
    const during = async (change: () => Promise<void>): Promise<string> => {
      await writeFile(path, 'whole file');
      let changed: Promise<void> | undefined;
      const bytes = await read(urlOf('changing'), {
        take: () => {
          changed = change();
        },
      });
      await changed;
      return Buffer.from(bytes).toString();
    };
    expect(await during(() => appendFile(path, ' and more'))).toBe('whole file');
    expect('whole file'.startsWith(await during(() => truncate(path, 5)))).toBe(true);
    expect(await during(() => unlink(path))).toBe('whole file');
    expect(await refusal(urlOf('changing'))).toEqual(missing);
  });

  it('ends when its request does', async () => {
    const gone = new Error('gone');
    await expect(read(urlOf('picture'), { signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
  });

  it.each<[string, (way: string) => Promise<unknown>]>([
    [
      'a folder on the way becomes a link to the outside',
      async (way) => {
        await rename(way, `${way}-kept`);
        await symlink(place, way);
      },
    ],
    [
      'a folder on the way becomes a link to the outside and then a folder again',
      async (way) => {
        await rename(way, `${way}-kept`);
        await symlink(place, way);
        return async () => {
          await unlink(way);
          await rename(`${way}-kept`, way);
        };
      },
    ],
    [
      'it becomes a link',
      (way) => unlink(join(way, 'secret')).then(() => symlink('../../secret', join(way, 'secret'))),
    ],
    ['it becomes a FIFO', (way) => unlink(join(way, 'secret')).then(() => makeFifo(join(way, 'secret')))],
    ['it is gone', (way) => unlink(join(way, 'secret'))],
  ])('gives nothing when a file is opened and meanwhile %s', async (_what, change) => {
    const way = await mkdtemp(join(root, 'way-'));
    await writeFile(join(way, 'secret'), 'harmless');
    const changing = await MediaFolder.find(root, async (...args) => {
      const changeBack = await change(way);
      const handle = await open(...args);
      if (typeof changeBack === 'function') await changeBack();
      return handle;
    });
    const url = pathToFileURL(join(way, 'secret')).href;
    await expect(changing.read(url, { param, signal: never, take: () => undefined })).rejects.toMatchObject({
      status: 500,
    });
  });

  it.each(['picture', 'nothing'])('has to be a folder, unlike %s', async (name) => {
    await expect(MediaFolder.find(join(root, name))).rejects.toThrow(
      `SHIM_ALLOWED_LOCAL_MEDIA_PATH: ${join(root, name)} is no folder`,
    );
  });
});
