export type Level = 'ok' | 'warn' | 'fail';

/** One thing that was looked at. */
export interface Finding {
  /** What it is about: `redis`, `engine ocr.toml`. */
  readonly subject: string;
  readonly level: Level;
  /** One sentence, without anything that is secret. */
  readonly message: string;
  /** What to do: a command where there is one. */
  readonly fix?: string;
}

/** Findings about one subject. */
export class Findings {
  readonly list: Finding[] = [];

  constructor(private readonly subject: string) {}

  ok(message: string): void {
    this.list.push({ subject: this.subject, level: 'ok', message });
  }

  warn(message: string, fix: string): void {
    this.list.push({ subject: this.subject, level: 'warn', message, fix });
  }

  fail(message: string, fix: string): void {
    this.list.push({ subject: this.subject, level: 'fail', message, fix });
  }
}
