export interface WavOptions {
  readonly sampleRate?: number;
  readonly channels?: number;
  /** Bits of a sample; floats have 32 or 64 (16). */
  readonly bits?: 8 | 16 | 24 | 32 | 64;
  readonly isFloat?: boolean;
  /** Written into the header instead of the true size of the data. */
  readonly claimedBytes?: number;
  /** The extensible form of the format chunk. */
  readonly isExtensible?: boolean;
}

function writeSample(into: DataView, at: number, value: number, bits: number, isFloat: boolean): void {
  const whole = Math.round(value * (2 ** (bits - 1) - 1));
  if (isFloat && bits === 64) into.setFloat64(at, value, true);
  else if (isFloat) into.setFloat32(at, value, true);
  else if (bits === 8) into.setUint8(at, whole + 128);
  else if (bits === 16) into.setInt16(at, whole, true);
  else if (bits === 32) into.setInt32(at, whole, true);
  else {
    into.setUint16(at, whole & 0xffff, true);
    into.setInt8(at + 2, whole >> 16);
  }
}

/** A WAV file that has the samples in every channel. */
export function makeWav(samples: ArrayLike<number>, options: WavOptions = {}): Uint8Array<ArrayBuffer> {
  const { sampleRate = 16_000, channels = 1, bits = 16, isFloat = false, isExtensible = false } = options;
  const formatBytes = isExtensible ? 40 : 16;
  const dataBytes = (samples.length * channels * bits) / 8;
  const file = new Uint8Array(28 + formatBytes + dataBytes);
  const view = new DataView(file.buffer);
  const text = (at: number, name: string) => file.set(Buffer.from(name), at);
  text(0, 'RIFF');
  view.setUint32(4, file.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, formatBytes, true);
  const kind = isFloat ? 3 : 1;
  view.setUint16(20, isExtensible ? 0xfffe : kind, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, (sampleRate * channels * bits) / 8, true);
  view.setUint16(32, (channels * bits) / 8, true);
  view.setUint16(34, bits, true);
  if (isExtensible) view.setUint16(44, kind, true);
  text(20 + formatBytes, 'data');
  view.setUint32(24 + formatBytes, options.claimedBytes ?? dataBytes, true);
  for (let at = 0; at < samples.length * channels; at += 1) {
    const sample = samples[Math.floor(at / channels)] ?? 0;
    writeSample(view, 28 + formatBytes + (at * bits) / 8, sample, bits, isFloat);
  }
  return file;
}

/** A sound that rises and falls; the same on every machine. */
export function chirp(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: count },
    (_, at) => 0.4 * Math.sin(at * (at % 40_000) * 5e-6) + 0.1 * Math.sin(at * 0.05),
  );
}
