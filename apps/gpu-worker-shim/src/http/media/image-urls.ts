import { FoveaError } from '@fovea/errors';
import { fromThreadError } from '../../engine/threads/thread-error.js';
import type { ChatImage } from '../../models/chat-model.js';
import type { TakenImages } from '../bodies/thread/taken-images.js';
import { VllmFailure } from '../vllm-error.js';
import { decodeDataUrl } from './data-url.js';
import type { MediaFolder } from './media-folder.js';

/** As many bytes of images as the largest body has room for as base64. */
export const MAX_FILE_BYTES = 144 * 1024 * 1024;

/** What a URL stands for; not empty. */
export type ImageFile = Pick<ChatImage, 'bytes' | 'sha256' | 'isMovable'>;

/** The images of one request: data URLs and, where a folder is allowed, the files in it. */
export class ImageUrls {
  private readonly files = new Map<string, ImageFile>();
  private fileBytes = 0;

  /**
   * @param folder whose files may be named; undefined: none
   * @param taken those that were decoded with the body
   */
  constructor(
    private readonly folder: MediaFolder | undefined,
    private readonly signal: AbortSignal,
    private readonly taken: TakenImages = new Map(),
  ) {}

  /**
   * An image by its URL, or by the name that stands for it. A file that is named again is not read again.
   *
   * @param param the field that holds the URL, for the error.
   * @throws what `decodeDataUrl` and `MediaFolder.read` throw; `PAYLOAD_TOO_LARGE` for more than `MAX_FILE_BYTES` of files
   *   in one request; `VllmFailure` (500) for a file where none is allowed, as vLLM answers.
   */
  async read(url: string, param: string): Promise<ImageFile> {
    const taken = this.taken.get(url);
    if (taken !== undefined && 'problem' in taken) throw fromThreadError({ ...taken.problem, param });
    if (taken !== undefined) return taken;
    if (!/^file:/i.test(url)) return { bytes: decodeDataUrl(url, param) };
    if (this.folder === undefined) {
      throw new VllmFailure(500, 'Cannot load local files without `--allowed-local-media-path`.', { param });
    }
    const known = this.files.get(url);
    if (known !== undefined) return known;
    const take = (bytes: number) => this.take(bytes, param);
    const file = { bytes: await this.folder.read(url, { param, signal: this.signal, take }) };
    this.files.set(url, file);
    return file;
  }

  private take(bytes: number, param: string): void {
    const actual = this.fileBytes + bytes;
    if (actual > MAX_FILE_BYTES) {
      throw new FoveaError('PAYLOAD_TOO_LARGE', {
        message: `The files of a request may have at most ${MAX_FILE_BYTES} bytes together, have ${actual}.`,
        param,
        limit: { name: 'max_file_bytes', value: MAX_FILE_BYTES, actual },
      });
    }
    this.fileBytes = actual;
  }
}
