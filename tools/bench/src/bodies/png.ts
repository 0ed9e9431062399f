import { randomFillSync } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
const RGB_BYTES = 3;
const COLOUR_TYPE_RGB = 2;
/** As common encoders cut the pixel data. */
const IDAT_BYTES = 64 * 1024;
/** Makes the bytes in front of the pixels a multiple of three, so that their base64 ends where the pixels' begins. */
const LABEL_CHARS = 22;

/** Bytes up to the end of IHDR: whoever has read them knows the size. */
export const PNG_HEADER_BYTES = 33;

function chunk(type: string, content: Uint8Array): Buffer {
  const framed = Buffer.alloc(content.length + 12);
  framed.writeUInt32BE(content.length, 0);
  framed.write(type, 4, 'latin1');
  framed.set(content, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, -4)), framed.length - 4);
  return framed;
}

function header(width: number, height: number): Buffer {
  const content = Buffer.alloc(13);
  content.writeUInt32BE(width, 0);
  content.writeUInt32BE(height, 4);
  content[8] = 8;
  content[9] = COLOUR_TYPE_RGB;
  return chunk('IHDR', content);
}

/**
 * PNG pictures of noise that differ in a comment only. Noise cannot be compressed, and the comment gives each picture a
 * digest of its own, so no store can take two of them for one. The pixels exist once, whatever the number of pictures.
 */
export class NoisePng {
  readonly #head: Buffer;
  readonly #tailBase64: Buffer;
  #made = 0;
  readonly #run = crypto.randomUUID().slice(0, 8);

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    const rowBytes = 1 + width * RGB_BYTES;
    const rows = randomFillSync(Buffer.alloc(rowBytes * height));
    // Filter "none" in front of each row.
    for (let row = 0; row < height; row += 1) rows[row * rowBytes] = 0;
    const pixels = deflateSync(rows, { level: 0 });
    const pieces: Buffer[] = [];
    for (let at = 0; at < pixels.length; at += IDAT_BYTES) {
      pieces.push(chunk('IDAT', pixels.subarray(at, at + IDAT_BYTES)));
    }
    const tail = Buffer.concat([...pieces, chunk('IEND', Buffer.alloc(0))]);
    this.#head = Buffer.concat([signature, header(width, height)]);
    this.#tailBase64 = Buffer.from(tail.toString('base64'), 'latin1');
  }

  /** The base64 text of a picture that has not been before, in two pieces. */
  nextBase64(): readonly [Buffer, Buffer] {
    this.#made += 1;
    const label = `${this.#run}-${this.#made}`.padEnd(LABEL_CHARS, '.').slice(0, LABEL_CHARS);
    const comment = chunk('tEXt', Buffer.from(`Comment\0${label}`, 'latin1'));
    const head = Buffer.concat([this.#head, comment]);
    return [Buffer.from(head.toString('base64'), 'latin1'), this.#tailBase64];
  }

  /** Characters of its base64 text. */
  get base64Length(): number {
    const commentBytes = 12 + 'Comment\0'.length + LABEL_CHARS;
    return ((this.#head.length + commentBytes) / 3) * 4 + this.#tailBase64.length;
  }

  /** The tallest picture of that width whose base64 text is at most so long. */
  static ofBase64Length(width: number, length: number): NoisePng {
    const rowBytes = 1 + width * RGB_BYTES;
    const framing = (12 + 5) / IDAT_BYTES;
    const room = Math.floor((length * 3) / 4) - 1_024;
    return new NoisePng(width, Math.floor(room / (rowBytes * (1 + framing))));
  }
}
