import type { Behaviour } from './behaviour.js';

export interface ScriptEntry {
  /** Which requests it is for: a part of the last user text, or a pattern. Left out: any request. */
  readonly match?: string | RegExp | undefined;
  /** How many requests it answers; one by default. */
  readonly times?: number | 'always' | undefined;
  readonly behaviour: Behaviour;
}

interface Pending {
  readonly entry: ScriptEntry;
  left: number;
}

function matches(match: string | RegExp | undefined, text: string): boolean {
  if (match === undefined) return true;
  return typeof match === 'string' ? text.includes(match) : match.test(text);
}

/** Behaviours waiting for their request, first come first served among those that match. */
export class ScriptQueue {
  #pending: Pending[] = [];

  add(entry: ScriptEntry): void {
    const times = entry.times ?? 1;
    this.#pending.push({ entry, left: times === 'always' ? Number.POSITIVE_INFINITY : times });
  }

  /** The behaviour for a request with this last user text; an empty one when nothing was scripted. */
  take(text: string): Behaviour {
    const found = this.#pending.find(({ entry }) => matches(entry.match, text));
    if (found === undefined) return {};
    found.left -= 1;
    if (found.left <= 0) this.#pending = this.#pending.filter((pending) => pending !== found);
    return found.entry.behaviour;
  }

  clear(): void {
    this.#pending = [];
  }
}
