import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { MPEGDecoder } from 'mpg123-decoder';
import { OggOpusDecoder } from 'ogg-opus-decoder';
import { checkSampleRate, invalidAudio, mixChannels, type SoundDecoder, type SoundPiece } from '../sound.js';

interface DecodedAudio {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

/** What the decoders have in common. */
interface WasmDecoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): DecodedAudio | Promise<DecodedAudio>;
  flush?(): Promise<DecodedAudio>;
  free(): void;
}

interface WasmFormat {
  readonly name: string;
  readonly create: () => WasmDecoder;
  /**
   * Bytes that are decoded at once. A few bytes of silence can stand for seconds in many channels, so steps are small
   * where the format allows that: so neither memory nor the time of one step is up to the file.
   */
  readonly stepBytes: number;
  /** Frames that make no sense are stepped over: players do, and files have pictures and tags in odd places. */
  readonly isTolerant?: boolean;
}

export const wasmFormats = {
  mp3: { name: 'MP3', create: () => new MPEGDecoder(), stepBytes: 16_384, isTolerant: true },
  flac: { name: 'FLAC', create: () => new FLACDecoder(), stepBytes: 256 },
  'ogg-flac': { name: 'Ogg FLAC', create: () => new FLACDecoder(), stepBytes: 256 },
  'ogg-opus': { name: 'Ogg Opus', create: () => new OggOpusDecoder(), stepBytes: 2048 },
  'ogg-vorbis': { name: 'Ogg Vorbis', create: () => new OggVorbisDecoder(), stepBytes: 2048 },
} satisfies Record<string, WasmFormat>;

const MAX_CHANNELS = 32;
const ROUNDING_S = 1e-3;

/** A decoder in WebAssembly, fed in small steps. */
export class WasmSoundDecoder implements SoundDecoder {
  private at = 0;
  private seconds = 0;
  private isFlushed = false;
  private isFreed = false;

  private constructor(
    private readonly bytes: Uint8Array,
    private readonly format: WasmFormat,
    private readonly wasm: WasmDecoder,
    private readonly declaredS: number,
  ) {}

  /** @param declaredS what the header says; 0: it does not. A file that ends before is cut off. */
  static async open(bytes: Uint8Array, format: WasmFormat, declaredS: number): Promise<WasmSoundDecoder> {
    const wasm = format.create();
    await wasm.ready;
    return new WasmSoundDecoder(bytes, format, wasm, declaredS);
  }

  async read(): Promise<SoundPiece | undefined> {
    while (!this.isFlushed && !this.isFreed) {
      const decoded = await this.next();
      const { samplesDecoded, sampleRate, channelData, errors } = decoded;
      if (errors.length > 0 && this.format.isTolerant !== true) {
        throw this.broken(`is broken after ${this.seconds.toFixed(1)} s (${errors[0]?.message ?? ''})`);
      }
      if (samplesDecoded === 0) continue;
      checkSampleRate(sampleRate);
      if (channelData.length > MAX_CHANNELS) throw this.broken(`has ${channelData.length} channels`);
      this.seconds += samplesDecoded / sampleRate;
      return { sampleRate, samples: mixChannels(channelData, samplesDecoded) };
    }
    if (this.seconds === 0) throw this.broken('holds no sound');
    if (this.seconds < this.declaredS - ROUNDING_S) {
      const declared = this.declaredS.toFixed(1);
      throw this.broken(`is cut off: it ends after ${this.seconds.toFixed(1)} of ${declared} s`);
    }
    return undefined;
  }

  close(): void {
    if (this.isFreed) return;
    this.isFreed = true;
    this.wasm.free();
  }

  private broken(what: string) {
    return invalidAudio(`the ${this.format.name} file ${what}`);
  }

  private async next(): Promise<DecodedAudio> {
    const { bytes, at, format, wasm } = this;
    this.at = Math.min(bytes.length, at + format.stepBytes);
    try {
      if (at < bytes.length) return await wasm.decode(bytes.subarray(at, this.at));
      this.isFlushed = true;
      const nothing = { channelData: [], samplesDecoded: 0, sampleRate: 0, errors: [] };
      return wasm.flush === undefined ? nothing : await wasm.flush();
    } catch (error) {
      throw this.broken(`cannot be decoded (${error instanceof Error ? error.message : String(error)})`);
    }
  }
}
