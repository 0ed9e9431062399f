import { invalidAudio } from './invalid-audio.js';

/** Decoded sound: one channel, -1 to 1. */
export interface Sound {
  readonly sampleRate: number;
  readonly samples: Float32Array<ArrayBuffer>;
}

interface Format {
  readonly isFloat: boolean;
  readonly channels: number;
  readonly sampleRate: number;
  /** Of one sample of one channel. */
  readonly bytes: number;
}

const PCM = 1;
const IEEE_FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const MAX_CHANNELS = 32;
const RATES = { min: 1_000, max: 384_000 };

function readFormat(view: DataView): Format {
  if (view.byteLength < 16) throw invalidAudio('the fmt chunk is too short');
  const tag = view.getUint16(0, true);
  // In the extensible form the true tag is the beginning of an identifier.
  const kind = tag === EXTENSIBLE && view.byteLength >= 26 ? view.getUint16(24, true) : tag;
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const bits = view.getUint16(14, true);
  const isFloat = kind === IEEE_FLOAT;
  const known = isFloat ? [32, 64] : [8, 16, 24, 32];
  if ((kind !== PCM && !isFloat) || !known.includes(bits)) {
    throw invalidAudio(`WAV format ${kind} with ${bits} bits is not supported`);
  }
  if (channels < 1 || channels > MAX_CHANNELS) throw invalidAudio(`${channels} channels`);
  if (sampleRate < RATES.min || sampleRate > RATES.max)
    throw invalidAudio(`a sample rate of ${sampleRate} Hz`);
  return { isFloat, channels, sampleRate, bytes: bits / 8 };
}

/** Reads the sample at a byte offset. 8-bit samples have no sign, all others have. */
function sampleReader(data: DataView, { isFloat, bytes }: Format): (offset: number) => number {
  if (isFloat) {
    return bytes === 4 ? (at) => data.getFloat32(at, true) : (at) => data.getFloat64(at, true);
  }
  switch (bytes) {
    case 1:
      return (at) => (data.getUint8(at) - 128) / 128;
    case 2:
      return (at) => data.getInt16(at, true) / 32_768;
    case 3:
      return (at) => ((data.getInt8(at + 2) << 16) | data.getUint16(at, true)) / 8_388_608;
    default:
      return (at) => data.getInt32(at, true) / 2_147_483_648;
  }
}

/** The mean of the channels. What is no number becomes silence. */
function mix(data: DataView, format: Format, maxFrames: number): Float32Array<ArrayBuffer> {
  const { channels, bytes } = format;
  const frames = Math.min(maxFrames, Math.floor(data.byteLength / (channels * bytes)));
  const read = sampleReader(data, format);
  const samples = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) sum += read((frame * channels + channel) * bytes);
    samples[frame] = Number.isFinite(sum) ? sum / channels : 0;
  }
  return samples;
}

const textAt = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

/** Is it a RIFF file with WAVE in it, whatever follows? */
export function isWav(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length >= 12 && textAt(view, 0) === 'RIFF' && textAt(view, 8) === 'WAVE';
}

/**
 * Reads a WAV file: PCM of 8 to 32 bits or floats, any number of channels. Sizes in headers are not trusted: a chunk that
 * says that it is longer than the file, as streamed recordings do, ends with the file.
 *
 * @param maxSeconds what is behind is not read
 * @throws FoveaError `INVALID_AUDIO`
 */
export function decodeWav(bytes: Uint8Array, maxSeconds: number): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = Math.min(view.getUint32(at + 4, true), bytes.length - at - 8);
    const chunk = new DataView(bytes.buffer, bytes.byteOffset + at + 8, size);
    const name = textAt(view, at);
    if (name === 'fmt ') format = readFormat(chunk);
    if (name === 'data') {
      if (format === undefined) throw invalidAudio('data comes before its format');
      const { sampleRate } = format;
      const samples = mix(chunk, format, Math.ceil(maxSeconds * sampleRate));
      if (samples.length === 0) throw invalidAudio('there are no samples');
      return { sampleRate, samples };
    }
    // Chunks begin at even places.
    at += 8 + size + (size % 2);
  }
  throw invalidAudio('there is no data chunk');
}
