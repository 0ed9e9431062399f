import type { Behaviour, Fault } from './behaviour.js';

export interface ScriptEntry {
  /** Which requests it is for: a part of the last user text, or a pattern. Left out: any request. */
  readonly match?: string | RegExp | undefined;
  /** The path of the requests, such as `/v1/embeddings`. Left out: any. */
  readonly route?: string | undefined;
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

const isEarly = ({ behaviour }: ScriptEntry): boolean => behaviour.fault?.kind === 'early-status';
const fits = (entry: ScriptEntry, route: string): boolean =>
  entry.route === undefined || entry.route === route;

/** Behaviours waiting for their request, first come first served among those that match. */
export class ScriptQueue {
  #pending: Pending[] = [];

  add(entry: ScriptEntry): void {
    const times = entry.times ?? 1;
    this.#pending.push({ entry, left: times === 'always' ? Number.POSITIVE_INFINITY : times });
  }

  /** The behaviour for a request with this last user text; an empty one when nothing was scripted. */
  take(text: string, route: string): Behaviour {
    return this.#take((entry) => !isEarly(entry) && fits(entry, route) && matches(entry.match, text)) ?? {};
  }

  /** The fault for a request of which only the head is there. */
  takeEarly(route: string): Fault | undefined {
    return this.#take((entry) => isEarly(entry) && fits(entry, route))?.fault;
  }

  clear(): void {
    this.#pending = [];
  }

  #take(wanted: (entry: ScriptEntry) => boolean): Behaviour | undefined {
    const found = this.#pending.find(({ entry }) => wanted(entry));
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#pending = this.#pending.filter((pending) => pending !== found);
    return found.entry.behaviour;
  }
}
