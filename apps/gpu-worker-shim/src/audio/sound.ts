import { FoveaError } from '@fovea/errors';

/** One channel, -1 to 1. */
export type Samples = Float32Array<ArrayBuffer>;

/** Decoded sound, a stretch of a file. */
export interface SoundPiece {
  /** In Hz; may change from piece to piece. */
  readonly sampleRate: number;
  readonly samples: Samples;
}

/** Reads one file from its beginning to its end. */
export interface SoundDecoder {
  /**
   * The next piece, some seconds at most; undefined at the end.
   *
   * @throws FoveaError `INVALID_AUDIO` where the file is broken; pieces before that place have been given.
   */
  read(): Promise<SoundPiece | undefined>;
  /** Frees what the decoder holds; a `read` under way ends. */
  close(): void;
}

/** The sample rates that are taken, in Hz. */
const RATES = { min: 1_000, max: 384_000 };

/** vLLM's words, and behind them why. */
export function invalidAudio(reason: string): FoveaError {
  return new FoveaError('INVALID_AUDIO', {
    message: `Invalid or unsupported audio file: ${reason}.`,
    param: 'file',
  });
}

export function audioTooLong(maxAudioS: number): FoveaError {
  return new FoveaError('INVALID_AUDIO', {
    message: `Invalid or unsupported audio file: it is longer than ${maxAudioS} seconds.`,
    param: 'file',
    limit: { name: 'max_audio_s', value: maxAudioS },
  });
}

/** Throws `INVALID_AUDIO` for a sample rate that no recording has. */
export function checkSampleRate(sampleRate: number): void {
  if (sampleRate >= RATES.min && sampleRate <= RATES.max) return;
  throw invalidAudio(`its sample rate is ${sampleRate} Hz; ${RATES.min} to ${RATES.max} are taken`);
}

/** The mean of the channels. What is no number becomes silence. */
export function mixChannels(channels: readonly Float32Array[], length: number): Samples {
  const samples = new Float32Array(length);
  for (const channel of channels) {
    for (let at = 0; at < length; at += 1) samples[at]! += channel[at] ?? 0;
  }
  for (let at = 0; at < length; at += 1) {
    const sum = samples[at]!;
    samples[at] = Number.isFinite(sum) ? sum / channels.length : 0;
  }
  return samples;
}

export function joinSamples(pieces: readonly Samples[]): Samples {
  const filled = pieces.filter(({ length }) => length > 0);
  if (filled.length === 1) return filled[0]!;
  const all = new Float32Array(filled.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of filled) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
