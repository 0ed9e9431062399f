import { audioTooLong, invalidAudio, type SoundDecoder } from '../sound.js';
import { checkLastOggPage, checkMp3Size, flacSeconds } from './declared-length.js';
import { FfmpegDecoder, type FfmpegDemuxer } from './ffmpeg-decoder.js';
import { putIndexFirst } from './mp4-order.js';
import { sniffFormat } from './sniff-format.js';
import { WasmSoundDecoder, wasmFormats } from './wasm-decoder.js';
import { WavDecoder } from './wav.js';
import { OpusPacketDecoder } from './webm-opus.js';
import { readWebm } from './webm-packets.js';

export interface DecoderOptions {
  /** The system's ffmpeg; undefined: there is none. */
  readonly ffmpeg: string | undefined;
  readonly maxAudioS: number;
  /** In Hz: for decoders that change the rate themselves. */
  readonly sampleRate: number;
}

function openFfmpeg(
  bytes: Uint8Array,
  what: string,
  demuxer: FfmpegDemuxer,
  options: DecoderOptions,
): SoundDecoder {
  const { ffmpeg } = options;
  if (ffmpeg === undefined) throw invalidAudio(`${what} needs ffmpeg, which this server does not have`);
  return new FfmpegDecoder(bytes, { ...options, ffmpeg, demuxer });
}

async function openWebm(bytes: Uint8Array, options: DecoderOptions): Promise<SoundDecoder> {
  const { codec, codecPrivate, packets } = readWebm(bytes);
  if (codec === 'A_OPUS') return OpusPacketDecoder.open(codecPrivate, packets);
  const name = codec.replaceAll(/[^\w/]+/g, '').slice(0, 32);
  return openFfmpeg(bytes, `WebM with ${name}`, 'matroska', options);
}

/**
 * Opens a file by its content; its name and the client's word for it do not count.
 *
 * @throws FoveaError `INVALID_AUDIO` for what is no audio file, is cut off or is longer than allowed, as far as its header tells
 */
export async function openDecoder(bytes: Uint8Array, options: DecoderOptions): Promise<SoundDecoder> {
  if (bytes.length === 0) throw invalidAudio('it is empty');
  const format = sniffFormat(bytes);
  switch (format) {
    case undefined:
      throw invalidAudio('it is none of WAV, FLAC, MP3, Ogg (Opus, Vorbis, FLAC), WebM, M4A and AAC');
    case 'wav':
      return WavDecoder.open(bytes, options.maxAudioS);
    case 'webm':
      return openWebm(bytes, options);
    case 'mp4':
      return openFfmpeg(putIndexFirst(bytes), 'M4A', 'mov', options);
    case 'adts':
      return openFfmpeg(bytes, 'AAC', 'aac', options);
    case 'mp3':
      checkMp3Size(bytes);
      return WasmSoundDecoder.open(bytes, wasmFormats.mp3, 0);
    case 'flac': {
      const declaredS = flacSeconds(bytes);
      if (declaredS > options.maxAudioS) throw audioTooLong(options.maxAudioS);
      return WasmSoundDecoder.open(bytes, wasmFormats.flac, declaredS);
    }
    default:
      checkLastOggPage(bytes);
      return WasmSoundDecoder.open(bytes, wasmFormats[format], 0);
  }
}
