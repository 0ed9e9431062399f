import { type DecoderOptions, openDecoder } from '../../../audio/formats/open-decoder.js';
import { joinSamples, type Samples } from '../../../audio/sound.js';
import { SoundReader } from '../../../audio/sound-reader.js';
import { type SileroVad, VAD_FRAME, type VadState } from '../../../audio/vad/silero.js';
import { cutAtSilence, type SoundWindow } from '../../../audio/vad/speech-windows.js';
import { SoundTail } from './sound-tail.js';

export interface RecordingOptions extends DecoderOptions {
  /** Samples of one window. */
  readonly windowSamples: number;
  /** Undefined: recordings are not cut at silence. */
  readonly vad: Pick<SileroVad, 'start' | 'hear'> | undefined;
  /** Recordings up to this many samples stay in memory; longer ones are decoded a second time while they are heard. */
  readonly keptSamples: number;
}

/** What is known of a recording once it has been surveyed. */
export interface Survey {
  /** Of the whole recording. */
  readonly samples: number;
  /** What is to be heard; undefined: everything, window after window from the beginning. */
  readonly windows: readonly SoundWindow[] | undefined;
}

/** Seconds that one step of a survey reads; then another recording has its turn. */
const STEP_S = 10;

/**
 * One file. It is surveyed first, from beginning to end: so a broken or too long file is refused before anything is
 * written, and where somebody speaks is known. Then its windows are read in order.
 */
export class Recording {
  private reader: SoundReader | undefined;
  private kept: Samples[] | undefined = [];
  private samples = 0;
  /** Not heard by the network yet: less than a frame, or all as long as one window holds it. */
  private unheard: Samples = new Float32Array();
  private readonly probabilities: number[] = [];
  private vadState: VadState | undefined;
  private tail: SoundTail | undefined;

  /** @param bytes the file */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly options: RecordingOptions,
  ) {}

  /** Reads on; undefined: there is more to survey. Throws `INVALID_AUDIO` for what cannot be read. */
  async survey(): Promise<Survey | undefined> {
    this.reader ??= await this.openReader();
    const until = this.samples + STEP_S * this.options.sampleRate;
    while (this.samples < until) {
      const piece = await this.reader.read();
      if (piece === undefined) return this.surveyed();
      await this.take(piece);
    }
    return undefined;
  }

  /** Samples of a window. No window may begin before an earlier one did. */
  async read(window: SoundWindow): Promise<Samples> {
    const parts: Samples[] = [];
    for (const { start, end } of window) {
      this.tail ??= new SoundTail(await this.openReader());
      parts.push(await this.tail.read(start, Math.min(end, this.samples)));
    }
    return joinSamples(parts);
  }

  close(): void {
    this.reader?.close();
    this.tail?.close();
  }

  private async openReader(): Promise<SoundReader> {
    const { sampleRate, maxAudioS } = this.options;
    return new SoundReader(await openDecoder(this.bytes, this.options), sampleRate, maxAudioS);
  }

  private async take(piece: Samples): Promise<void> {
    const { keptSamples, vad, windowSamples } = this.options;
    this.samples += piece.length;
    if (this.samples > keptSamples) this.kept = undefined;
    this.kept?.push(piece);
    if (vad === undefined) return;
    this.unheard = joinSamples([this.unheard, piece]);
    // What fits one window is heard as a whole.
    if (this.samples > windowSamples) await this.listen(vad);
  }

  private async listen(vad: Pick<SileroVad, 'start' | 'hear'>): Promise<void> {
    let at = 0;
    for (; at + VAD_FRAME <= this.unheard.length; at += VAD_FRAME) {
      const state = this.vadState ?? vad.start();
      const heard = await vad.hear(this.unheard.subarray(at, at + VAD_FRAME), state);
      this.vadState = heard.state;
      this.probabilities.push(heard.probability);
    }
    this.unheard = this.unheard.slice(at);
  }

  private surveyed(): Survey {
    const { samples, probabilities, kept } = this;
    const { windowSamples, sampleRate, vad } = this.options;
    this.reader?.close();
    this.unheard = new Float32Array();
    if (kept !== undefined) this.tail = SoundTail.of(joinSamples(kept));
    this.kept = undefined;
    if (samples <= windowSamples) return { samples, windows: [[{ start: 0, end: samples }]] };
    if (vad === undefined) return { samples, windows: undefined };
    const times = { probabilities, frame: VAD_FRAME, sampleRate, samples };
    return { samples, windows: cutAtSilence(times, windowSamples) };
  }
}
