/** One thing that was asked of the system, and what came of it. */
export interface LedgerLine {
  readonly tenant: string;
  readonly asked: string;
  readonly answered: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Everything that was asked and answered in one story, so that its end can be held against its beginning. */
export class Ledger {
  readonly #lines: LedgerLine[] = [];
  #asked = 0;

  get lines(): readonly LedgerLine[] {
    return this.#lines;
  }

  get asked(): number {
    return this.#asked;
  }

  ask(): void {
    this.#asked += 1;
  }

  answer(line: LedgerLine): void {
    this.#lines.push(line);
  }

  of(tenant: string): readonly LedgerLine[] {
    return this.#lines.filter((line) => line.tenant === tenant);
  }
}
