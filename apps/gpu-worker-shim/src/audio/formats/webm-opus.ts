import { OpusDecoder } from 'opus-decoder';
import { invalidAudio, mixChannels, type SoundDecoder, type SoundPiece } from '../sound.js';
import { hasText } from './sniff-format.js';

/** Packets that are decoded at once: at most 120 ms each. */
const STEP_PACKETS = 50;

/** What an Opus identification header says (RFC 7845, section 5.1). */
function readHead(head: Uint8Array) {
  if (!hasText(head, 0, 'OpusHead') || head.length < 19) throw invalidAudio('its Opus header is missing');
  const channels = head[9]!;
  const family = head[18]!;
  if (channels < 1 || channels > 8 || (family !== 0 && family !== 1)) {
    throw invalidAudio(`Opus with ${channels} channels in mapping family ${family} is not supported`);
  }
  const preSkip = head[10]! + 256 * head[11]!;
  if (family === 0) return { channels, preSkip };
  if (head.length < 21 + channels) throw invalidAudio('its Opus header is cut off');
  return {
    channels,
    preSkip,
    streamCount: head[19]!,
    coupledStreamCount: head[20]!,
    channelMappingTable: [...head.subarray(21, 21 + channels)],
  };
}

/** Opus whose packets are told apart by a container. */
export class OpusPacketDecoder implements SoundDecoder {
  private readonly packets: Iterator<Uint8Array>;
  private hasSound = false;
  private isFreed = false;

  private constructor(
    private readonly wasm: OpusDecoder,
    packets: Iterable<Uint8Array>,
  ) {
    this.packets = packets[Symbol.iterator]();
  }

  /** Throws `INVALID_AUDIO` for a header that is none. */
  static async open(head: Uint8Array, packets: Iterable<Uint8Array>): Promise<OpusPacketDecoder> {
    const wasm = new OpusDecoder(readHead(head));
    await wasm.ready;
    return new OpusPacketDecoder(wasm, packets);
  }

  async read(): Promise<SoundPiece | undefined> {
    while (!this.isFreed) {
      const packets: Uint8Array[] = [];
      while (packets.length < STEP_PACKETS) {
        const next = this.packets.next();
        if (next.done === true) break;
        packets.push(next.value);
      }
      if (packets.length === 0) break;
      const { channelData, samplesDecoded, sampleRate, errors } = this.wasm.decodeFrames(packets);
      if (errors.length > 0) throw invalidAudio(`its Opus packets are broken (${errors[0]?.message ?? ''})`);
      if (samplesDecoded === 0) continue;
      this.hasSound = true;
      return { sampleRate, samples: mixChannels(channelData, samplesDecoded) };
    }
    if (!this.hasSound) throw invalidAudio('it holds no sound');
    return undefined;
  }

  close(): void {
    if (this.isFreed) return;
    this.isFreed = true;
    this.wasm.free();
  }
}
