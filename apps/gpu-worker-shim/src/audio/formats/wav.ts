import {
  audioTooLong,
  checkSampleRate,
  invalidAudio,
  type Samples,
  type SoundDecoder,
  type SoundPiece,
} from '../sound.js';

interface Format {
  readonly channels: number;
  readonly sampleRate: number;
  /** Of one sample of one channel. */
  readonly bytes: number;
  /** The sample at a byte offset. */
  readonly read: (data: DataView, at: number) => number;
}

const kinds = { pcm: 1, float: 3, aLaw: 6, muLaw: 7, extensible: 0xfffe } as const;
const MAX_CHANNELS = 32;
/** Sizes at least this large are written by those who do not know the size when they begin. */
const UNKNOWN_SIZE = 0x7ffff000;
/** Frames of one piece. */
const PIECE_FRAMES = 65_536;

/** ITU-T G.711: 8 bits that stand for 14. */
function muLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return (bits & 128 ? -magnitude : magnitude) / 32_768;
}

/** ITU-T G.711: 8 bits that stand for 13. */
function aLaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return (bits & 128 ? magnitude : -magnitude) / 32_768;
}

/** By kind and bits. 8-bit samples have no sign, all others have. */
const readers = new Map<string, Format['read']>([
  [`${kinds.pcm}/8`, (data, at) => (data.getUint8(at) - 128) / 128],
  [`${kinds.pcm}/16`, (data, at) => data.getInt16(at, true) / 32_768],
  [`${kinds.pcm}/24`, (data, at) => ((data.getInt8(at + 2) << 16) | data.getUint16(at, true)) / 8_388_608],
  [`${kinds.pcm}/32`, (data, at) => data.getInt32(at, true) / 2_147_483_648],
  [`${kinds.float}/32`, (data, at) => data.getFloat32(at, true)],
  [`${kinds.float}/64`, (data, at) => data.getFloat64(at, true)],
  [`${kinds.aLaw}/8`, (data, at) => aLaw(data.getUint8(at))],
  [`${kinds.muLaw}/8`, (data, at) => muLaw(data.getUint8(at))],
]);

function readFormat(view: DataView): Format {
  if (view.byteLength < 16) throw invalidAudio('the WAV file ends in its fmt chunk');
  const tag = view.getUint16(0, true);
  // In the extensible form the true tag is the beginning of an identifier.
  const kind = tag === kinds.extensible && view.byteLength >= 26 ? view.getUint16(24, true) : tag;
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const bits = view.getUint16(14, true);
  const read = readers.get(`${kind}/${bits}`);
  if (read === undefined) throw invalidAudio(`WAV format ${kind} with ${bits} bits is not supported`);
  if (channels < 1 || channels > MAX_CHANNELS) {
    throw invalidAudio(`it has ${channels} channels; 1 to ${MAX_CHANNELS} are taken`);
  }
  checkSampleRate(sampleRate);
  return { channels, sampleRate, bytes: bits / 8, read };
}

const textAt = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

/** WAV: PCM of 8 to 32 bits, floats, A-law and µ-law. */
export class WavDecoder implements SoundDecoder {
  private frame = 0;

  private constructor(
    private readonly data: DataView,
    private readonly format: Format,
    private readonly frames: number,
  ) {}

  /**
   * Reads the header. A file that is shorter than it says is cut off; sizes of 0 or almost 2³¹ and more are those of
   * recordings that were sent while they were made, and end with the file.
   *
   * @throws FoveaError `INVALID_AUDIO`
   */
  static open(bytes: Uint8Array, maxAudioS: number): WavDecoder {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let format: Format | undefined;
    for (let at = 12; at + 8 <= bytes.length; ) {
      const claimed = view.getUint32(at + 4, true);
      const name = textAt(view, at);
      const rest = bytes.length - at - 8;
      const isOpen = name === 'data' && (claimed === 0 || claimed >= UNKNOWN_SIZE);
      if (claimed > rest && !isOpen) {
        throw invalidAudio(`it is cut off: its ${name} chunk has ${rest} of ${claimed} bytes`);
      }
      const size = isOpen ? rest : claimed;
      const chunk = new DataView(bytes.buffer, bytes.byteOffset + at + 8, size);
      if (name === 'fmt ') format = readFormat(chunk);
      if (name === 'data') {
        if (format === undefined) throw invalidAudio('its data comes before its format');
        const frames = Math.floor(size / (format.channels * format.bytes));
        if (frames === 0) throw invalidAudio('it holds no sound');
        if (frames > maxAudioS * format.sampleRate) throw audioTooLong(maxAudioS);
        return new WavDecoder(chunk, format, frames);
      }
      // Chunks begin at even places.
      at += 8 + size + (size % 2);
    }
    throw invalidAudio('the WAV file has no data chunk');
  }

  async read(): Promise<SoundPiece | undefined> {
    const count = Math.min(PIECE_FRAMES, this.frames - this.frame);
    if (count <= 0) return undefined;
    const { channels, bytes, read, sampleRate } = this.format;
    const samples: Samples = new Float32Array(count);
    for (let at = 0; at < count; at += 1) {
      const start = (this.frame + at) * channels * bytes;
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1) sum += read(this.data, start + channel * bytes);
      samples[at] = Number.isFinite(sum) ? sum / channels : 0;
    }
    this.frame += count;
    return { sampleRate, samples };
  }

  close(): void {
    this.frame = this.frames;
  }
}
