import { type DecoderOptions, openDecoder } from '../formats/open-decoder.js';
import { joinSamples, type Samples } from '../sound.js';
import { SoundReader } from '../sound-reader.js';

/** A whole file as samples of 16 kHz. */
export async function readSound(bytes: Uint8Array, options: Partial<DecoderOptions> = {}): Promise<Samples> {
  const all = { ffmpeg: undefined, maxAudioS: 60, sampleRate: 16_000, ...options };
  const reader = new SoundReader(await openDecoder(bytes, all), all.sampleRate, all.maxAudioS);
  try {
    const pieces: Samples[] = [];
    for (let piece = await reader.read(); piece !== undefined; piece = await reader.read())
      pieces.push(piece);
    return joinSamples(pieces);
  } finally {
    reader.close();
  }
}
