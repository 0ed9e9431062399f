import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FoveaError } from '@fovea/errors';
import { VllmFailure } from '../vllm-error.js';

/** Of a path of 4096 bytes, more than which no system takes, each written as three characters. */
const MAX_URL_CHARACTERS = 'file://'.length + 3 * 4096;

/** Does not wait for the writer of a FIFO, and follows no link that stands in the file's place since it was looked at. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

const refuse = (message: string, param: string) => new FoveaError('INVALID_IMAGE', { message, param });

/** One text for all that lies outside, there or not: nobody learns what else the machine has. */
const outside = (param: string) =>
  refuse(
    'The file path must be a subpath of `--allowed-local-media-path` (SHIM_ALLOWED_LOCAL_MEDIA_PATH).',
    param,
  );

function toPath(url: string, param: string): string {
  const form = 'A file URL has the form file:///absolute/path, in percent-encoded UTF-8.';
  if (url.length > MAX_URL_CHARACTERS) throw refuse(form, param);
  try {
    const path = fileURLToPath(url);
    if (!path.includes('\0')) return path;
  } catch {
    // Another host, an encoded slash, an escape that is none.
  }
  throw refuse(form, param);
}

/** What vLLM answers, 500 with Python's words, but for the path. */
function unreadable(error: unknown, param: string): VllmFailure {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const isDenied = code === 'EACCES' || code === 'EPERM';
  const words = isDenied ? '[Errno 13] Permission denied' : '[Errno 2] No such file or directory';
  return new VllmFailure(500, words, { param, cause: error });
}

const isSame = (a: BigIntStats, b: BigIntStats): boolean => a.ino === b.ino && a.dev === b.dev;

/** Reads what `buffer` has room for; less when the file has become shorter. */
async function fill(buffer: Buffer, handle: FileHandle, signal: AbortSignal): Promise<Buffer> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    signal.throwIfAborted();
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** How a file is read for a request. */
export interface FileReading {
  /** The field that holds the URL, for errors. */
  readonly param: string;
  readonly signal: AbortSignal;
  /** Called with the number of bytes before any is read; throws when they are too many. */
  take(bytes: number): void;
}

/** The folder whose files requests may name as `file://` URLs: vLLM's `--allowed-local-media-path`. */
export class MediaFolder {
  /** @param root without symbolic links */
  private constructor(
    private readonly root: string,
    private readonly openFile: typeof open,
  ) {}

  /**
   * Throws an `Error` when there is no such folder.
   * @param openFile in place of Node's, for tests of what happens meanwhile
   */
  static async find(path: string, openFile = open): Promise<MediaFolder> {
    const isFolder = await stat(path).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (!isFolder) throw new Error(`SHIM_ALLOWED_LOCAL_MEDIA_PATH: ${path} is no folder`);
    return new MediaFolder(await realpath(path), openFile);
  }

  /**
   * Bytes of a regular file that lies in the folder when all symbolic links are followed.
   *
   * @throws FoveaError `INVALID_IMAGE` (400) for a URL that cannot be one, a path outside of the folder, and what is no
   *   regular file; `VllmFailure` (500) for a file that is not there or may not be read, as vLLM answers; what `take` throws.
   */
  async read(url: string, reading: FileReading): Promise<Uint8Array> {
    const { param, signal } = reading;
    const path = await this.resolve(toPath(url, param), param);
    signal.throwIfAborted();
    // Looked at before it is opened: to open some devices is to do something.
    const facts = await lstat(path).catch((error: unknown) => {
      throw unreadable(error, param);
    });
    if (!facts.isFile()) throw refuse('The path names no regular file.', param);
    const handle = await this.openFile(path, OPEN_FLAGS).catch((error: unknown) => {
      throw unreadable(error, param);
    });
    try {
      const { size } = await this.assertInside(handle, path, param);
      if (size === 0n) throw refuse('The image is empty.', param);
      reading.take(Number(size));
      return await fill(Buffer.allocUnsafeSlow(Number(size)), handle, signal);
    } finally {
      await handle.close();
    }
  }

  /** The path without symbolic links. */
  private async resolve(path: string, param: string): Promise<string> {
    const real = await realpath(path).catch(async (error: unknown) => {
      throw (await this.wouldHold(path)) ? unreadable(error, param) : outside(param);
    });
    if (!this.holds(real)) throw outside(param);
    return real;
  }

  private holds(real: string): boolean {
    return real.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep);
  }

  /** Would a path that is not there be inside? A link that leads nowhere could lead anywhere. */
  private async wouldHold(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => undefined);
    if (real !== undefined) return real === this.root || this.holds(real);
    const isLink = await lstat(path).then(
      (facts) => facts.isSymbolicLink(),
      () => false,
    );
    return !isLink && dirname(path) !== path && this.wouldHold(dirname(path));
  }

  /**
   * Between the look at a path and its opening a folder on the way may have become a link. What is open is inside when the
   * path has no link now and names the same file.
   */
  private async assertInside(handle: FileHandle, path: string, param: string): Promise<BigIntStats> {
    try {
      const opened = await handle.stat({ bigint: true });
      const named = await lstat(path, { bigint: true });
      if (opened.isFile() && isSame(opened, named) && (await realpath(path)) === path) return opened;
    } catch (error) {
      throw unreadable(error, param);
    }
    throw new VllmFailure(500, 'The file was replaced while it was opened.', { param });
  }
}
