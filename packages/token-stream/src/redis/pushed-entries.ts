import type { ChannelListener } from './live-channels.js';
import { type Announcement, parseAnnouncement } from './log-entry.js';

/** How far a reader got: the last entry it has, and who wrote it as far as known. */
export interface Position {
  readonly id: number;
  readonly writer: string | undefined;
}

const MAX_ENTRIES = 16;
const MAX_CHARACTERS = 128 * 1024;

/**
 * The entries that were pushed to one reader and that it has not taken yet: an unbroken run after its position,
 * bounded. Whatever does not fit (a gap, another writer, too many) only marks the reader `isBehind`: it reads
 * the log then.
 */
export class PushedEntries implements ChannelListener {
  /** True at first: nothing is known of the log yet. */
  isBehind = true;
  #run: (Announcement & { readonly element: string })[] = [];
  #characters = 0;
  #end: Position;
  #wake: (() => void) | undefined;

  constructor(position: Position) {
    this.#end = position;
  }

  message(text: string): void {
    const pushed = parseAnnouncement(text);
    if (pushed !== undefined && (this.#isKnown(pushed) || this.#accepts(pushed))) return;
    this.#fallBehind();
  }

  resubscribed(): void {
    this.#fallBehind();
  }

  take(): (Announcement & { readonly element: string }) | undefined {
    const next = this.#run.shift();
    if (next !== undefined) this.#characters -= next.element.length;
    return next;
  }

  /** The reader has read the log up to `position`: what was pushed before that is done with. */
  moveTo(position: Position): void {
    this.#run = this.#run.filter(({ id }) => id > position.id);
    const unbroken = this.#run[0]?.id === position.id + 1 && this.#run[0].writer === position.writer;
    if (!unbroken) {
      if (this.#run.length > 0) this.isBehind = true;
      this.#run = [];
      this.#end = position;
    }
    this.#characters = this.#run.reduce((sum, { element }) => sum + element.length, 0);
  }

  /** Ends a running `wait`. */
  wake(): void {
    this.#wake?.();
  }

  /** Resolves false after `timeoutMs` in which nothing happened. */
  wait(timeoutMs: number): Promise<boolean> {
    if (this.#run.length > 0 || this.isBehind) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (woken: boolean): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(woken);
      };
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#wake = () => settle(true);
    });
  }

  /** A writer repeats itself after a rollback. Another writer's entry under that id is a conflict to look at. */
  #isKnown({ id, writer }: Announcement): boolean {
    return id <= this.#end.id && writer === this.#end.writer;
  }

  #accepts({ id, writer, element }: Announcement): boolean {
    const sameWriter = this.#end.id === 0 || writer === this.#end.writer;
    const isRoom = this.#run.length < MAX_ENTRIES && this.#characters < MAX_CHARACTERS;
    if (element === undefined || id !== this.#end.id + 1 || !sameWriter || !isRoom) return false;
    this.#run.push({ id, writer, element });
    this.#characters += element.length;
    this.#end = { id, writer };
    this.wake();
    return true;
  }

  #fallBehind(): void {
    this.isBehind = true;
    this.wake();
  }
}
