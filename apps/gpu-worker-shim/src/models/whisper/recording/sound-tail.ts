import type { Samples } from '../../../audio/sound.js';
import { joinSamples } from '../../../audio/sound.js';
import type { SoundReader } from '../../../audio/sound-reader.js';

/** Reads stretches of a stream that begin later and later; only what may still be wanted is held. */
export class SoundTail {
  private held: Samples = new Float32Array();
  private heldFrom = 0;

  constructor(private readonly reader: Pick<SoundReader, 'read' | 'close'> | undefined) {}

  /** Of sound that is all there. */
  static of(samples: Samples): SoundTail {
    const tail = new SoundTail(undefined);
    tail.held = samples;
    return tail;
  }

  /** Fewer samples when the stream ends before. What is before `start` cannot be read again. */
  async read(start: number, end: number): Promise<Samples> {
    if (start < this.heldFrom) throw new Error('A window begins before the one before it.');
    let until = this.heldFrom + this.held.length;
    const pieces = [this.held];
    while (until < end) {
      const piece = await this.reader?.read();
      if (piece === undefined) break;
      until += piece.length;
      // What ends before the window is not wanted any more.
      if (until <= start) {
        pieces.length = 0;
        this.heldFrom = until;
      } else {
        pieces.push(piece);
      }
    }
    const all = joinSamples(pieces);
    const result = all.slice(start - this.heldFrom, Math.max(start, end) - this.heldFrom);
    if (this.reader !== undefined) {
      this.held = all.slice(Math.min(all.length, start - this.heldFrom));
      this.heldFrom = until - this.held.length;
    } else {
      this.held = all;
    }
    return result;
  }

  close(): void {
    this.held = new Float32Array();
    this.reader?.close();
  }
}
