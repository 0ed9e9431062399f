export interface StopMatch {
  /** Text that can go out now. */
  readonly text: string;
  /** The stop string that was found; the text ends before it, or with it when it is included. */
  readonly stop?: string;
}

/** Length of the longest end of `text` that a stop string begins with. */
function heldBack(text: string, stops: readonly string[]): number {
  let held = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > held; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) held = length;
    }
  }
  return held;
}

/**
 * Finds stop strings in text that comes in pieces. The end of the text is held back as long as a stop string may still
 * begin there, so no part of one is ever given out. Stop strings and text are well-formed, so no cut falls into a
 * surrogate pair.
 */
export class StopStrings {
  private pending = '';

  /** @param include give the stop string out as the end of the text. */
  constructor(
    private readonly stops: readonly string[],
    private readonly include: boolean,
  ) {}

  /** Adds text. With `search` false (before `min_tokens`) nothing is looked for, and nothing of it can match later. */
  push(added: string, search: boolean): StopMatch {
    if (!search) return { text: added };
    const text = this.pending + added;
    const found = this.earliest(text);
    if (found !== undefined) {
      this.pending = '';
      return { text: text.slice(0, found.at + (this.include ? found.stop.length : 0)), stop: found.stop };
    }
    const cut = text.length - heldBack(text, this.stops);
    this.pending = text.slice(cut);
    return { text: text.slice(0, cut) };
  }

  /** What was held back when the answer ends for another reason. */
  flush(): string {
    const text = this.pending;
    this.pending = '';
    return text;
  }

  private earliest(text: string): { at: number; stop: string } | undefined {
    let best: { at: number; stop: string } | undefined;
    for (const stop of this.stops) {
      const at = text.indexOf(stop);
      if (at !== -1 && (best === undefined || at < best.at)) best = { at, stop };
    }
    return best;
  }
}
