/**
 * Answers of the last moment, at most `capacity` of them. Who asks while the same question is under way waits for its answer.
 * An answer's age counts from the question, and a failure is not kept.
 */
export class RecentAnswers<T> {
  readonly #answers = new Map<string, { readonly answer: Promise<T>; readonly askedAtMs: number }>();

  constructor(
    private readonly maxAgeMs: number,
    private readonly capacity: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  get(question: string, ask: () => Promise<T>): Promise<T> {
    const recent = this.#answers.get(question);
    const askedAtMs = this.nowMs();
    if (recent !== undefined && askedAtMs - recent.askedAtMs <= this.maxAgeMs) return recent.answer;
    const entry = { answer: ask(), askedAtMs };
    // Deleted first, so that the oldest question stays the first in the map.
    this.#answers.delete(question);
    this.#answers.set(question, entry);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.capacity && oldest !== undefined) this.#answers.delete(oldest);
    entry.answer.catch(() => {
      if (this.#answers.get(question) === entry) this.#answers.delete(question);
    });
    return entry.answer;
  }

  /** Forgets all of them, also those that are under way. */
  clear(): void {
    this.#answers.clear();
  }
}
