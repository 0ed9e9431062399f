/** What decides on who comes first. */
export interface Ordered {
  readonly priority: number;
  readonly arrival: number;
}

/** Those who wait: lower priority numbers first, equal ones in the order they came. */
export class WaitingLine<T extends Ordered> implements Iterable<T> {
  private items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  /** Who is next. */
  get first(): T | undefined {
    return this.items[0];
  }

  get last(): T | undefined {
    return this.items.at(-1);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items[Symbol.iterator]();
  }

  add(item: T): void {
    let at = this.items.length;
    while (at > 0 && isBefore(item, this.items[at - 1]!)) at -= 1;
    this.items.splice(at, 0, item);
  }

  remove(isGone: (item: T) => boolean): void {
    this.items = this.items.filter((item) => !isGone(item));
  }
}

/** Does `a` run before `b`? */
export function isBefore(a: Ordered, b: Ordered): boolean {
  return a.priority < b.priority || (a.priority === b.priority && a.arrival < b.arrival);
}
