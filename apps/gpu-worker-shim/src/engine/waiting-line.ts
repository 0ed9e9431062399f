/** Those who wait: lower priority numbers first, equal ones in the order they came. */
export class WaitingLine<T extends { readonly priority: number; readonly arrival: number }> {
  private items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  /** Who is next. */
  get first(): T | undefined {
    return this.items[0];
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
export function isBefore(
  a: { readonly priority: number; readonly arrival: number },
  b: { readonly priority: number; readonly arrival: number },
): boolean {
  return a.priority < b.priority || (a.priority === b.priority && a.arrival < b.arrival);
}
