import type { Frame } from '../json/nesting.js';
import type { Residue } from '../json/residue.js';
import { MediaDecoder } from './media-decoder.js';
import type { MediaForm } from './media-places.js';
import type { MediaTransfers } from './media-transfers.js';
import type { OutgoingMedium } from './outgoing-medium.js';

/** Kept text is decoded in pieces of this size, so that the event loop turns in between. */
const REPLAY_BYTES = 64 * 1024;

/** A string of which it is not known yet whether it is a medium: its text is kept like any other. */
interface Trial {
  readonly item: Frame;
  readonly path: string;
  readonly form: MediaForm;
  /** Where its text begins in the residue, and where its closing quote stands, once that is known. */
  readonly from: number;
  to: number | undefined;
}

interface Current {
  readonly decoder: MediaDecoder;
  readonly medium: OutgoingMedium;
}

/** What is to be done with a string that stands where a medium may. */
export type Reading = 'text' | 'media';

/**
 * The media of one document. `type` says whether an item is a medium and may come after it: until then the string is kept
 * as text, and decoded once it is known to be media. A string that outgrows the text limit can only be
 * accepted as a medium, so it is taken for one; should its `type` say otherwise, the limit was exceeded.
 */
export class MediaStrings {
  #trial: Trial | undefined;
  #current: Current | undefined;
  #replay: Buffer | undefined;
  /** The item whose medium outgrew the text limit before its type was known. */
  #oversized: Frame | undefined;

  constructor(
    private readonly transfers: MediaTransfers,
    private readonly residue: Residue,
    private readonly refuseText: () => never,
  ) {}

  /** The string that begins behind `at`, at a place for media. */
  begin(item: Frame, form: MediaForm, path: string, at: number): Reading {
    if (item.isMedia === false) return 'text';
    if (item.isMedia) {
      this.#open(path, form);
      return 'media';
    }
    this.#trial = { item, path, form, from: this.residue.positionOf(at), to: undefined };
    return 'text';
  }

  /** A string value ends with the quote at `at`. */
  endText(at: number): void {
    if (this.#trial !== undefined) this.#trial.to ??= this.residue.positionOf(at);
  }

  /** The item's `type` has been read, or the item is over without one. The reader stands at `at`. */
  decide(item: Frame, isMedia: boolean, at: number): void {
    item.isMedia = isMedia;
    if (this.#trial?.item === item) this.residue.detach(at);
    if (this.#oversized === item && !isMedia) this.refuseText();
    const trial = this.#trial;
    if (trial?.item !== item) return;
    if (isMedia) this.#decodeTrial(trial);
    else this.#trial = undefined;
  }

  /** Makes room in the residue, if a string is kept there that may be a medium. True when its end is yet to come. */
  outgrow(): boolean {
    const trial = this.#trial;
    if (trial === undefined) return false;
    this.#oversized = trial.item;
    return this.#decodeTrial(trial);
  }

  /** Kept text is left to decode. */
  get isReplaying(): boolean {
    return this.#replay !== undefined;
  }

  get isReading(): boolean {
    return this.#current !== undefined;
  }

  /** Decodes the next piece of kept text; false when it has to wait for the sink. */
  replay(): boolean {
    const text = this.#replay;
    if (text === undefined) return true;
    const piece = text.subarray(0, REPLAY_BYTES);
    const taken = this.write(piece, 0);
    this.#replay = taken === text.length ? undefined : text.subarray(taken);
    return taken === piece.length;
  }

  /** Decodes from the raw text of the current medium; returns where it stopped. */
  write(chunk: Buffer, at: number): number {
    if (this.#current === undefined) return at;
    const { decoder, medium } = this.#current;
    const stopped = decoder.write(chunk, at);
    if (decoder.isDone) this.#current = undefined;
    else if (stopped === chunk.length) medium.endChunk();
    return stopped;
  }

  #open(path: string, form: MediaForm): void {
    const medium = this.transfers.begin(path);
    this.#current = { medium, decoder: new MediaDecoder(form, path, medium) };
  }

  #decodeTrial({ path, form, from, to }: Trial): boolean {
    this.#trial = undefined;
    this.#open(path, form);
    this.#replay = this.residue.slice(from, to === undefined ? undefined : to + 1);
    this.residue.remove(from, to);
    return to === undefined;
  }
}
