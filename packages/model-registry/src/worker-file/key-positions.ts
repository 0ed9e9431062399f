/** Where a key stands in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds the key of a path, or the nearest table around it that the text names. */
export type FindPosition = (path: readonly PropertyKey[]) => Position | undefined;

const bareKey = /[A-Za-z0-9_-]+/y;
const blank = /(?:[ \t\r\n]+|#[^\n]*)+/y;
const quoted = /"""(?:\\[\s\S]|[^\\])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'/y;

/** Reads keys and steps over values of a text that is known to be TOML; offsets of keys by their path. */
class KeyScanner {
  readonly offsets = new Map<string, number>();
  #at = 0;

  constructor(private readonly text: string) {}

  scan(): void {
    let table: readonly string[] = [];
    for (this.#match(blank); this.#at < this.text.length; this.#match(blank)) {
      const start = this.#at;
      if (this.text[start] === '[') {
        this.#match(/\[\[?[ \t]*/y);
        table = this.#readKey();
        this.#note([], table, start);
        this.#match(/[ \t]*\]\]?/y);
      } else {
        this.#note(table, this.#readKey(), start);
        if (this.#match(/[ \t]*=/y) === '') return;
        this.#skipValue();
      }
    }
  }

  /** Dotted keys make tables on the way. */
  #note(table: readonly string[], key: readonly string[], offset: number): void {
    for (let length = 1; length <= key.length; length++) {
      const path = JSON.stringify([...table, ...key.slice(0, length)]);
      if (length === key.length || !this.offsets.has(path)) this.offsets.set(path, offset);
    }
  }

  #readKey(): string[] {
    const key: string[] = [];
    do {
      const part = this.#match(bareKey);
      key.push(part === '' ? unquoted(this.#match(quoted)) : part);
    } while (this.#match(/[ \t]*\.[ \t]*/y) !== '');
    return key;
  }

  #skipValue(): void {
    for (let depth = 0; this.#at < this.text.length; ) {
      if (this.#match(quoted) !== '' || this.#match(/#[^\n]*/y) !== '') continue;
      const character = this.text[this.#at] ?? '';
      if (character === '\n' && depth === 0) return;
      if ('[{'.includes(character)) depth += 1;
      if (']}'.includes(character)) depth -= 1;
      this.#at += 1;
    }
  }

  /** What stands here of a sticky pattern, stepped over; empty when it is something else. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ''] = pattern.exec(this.text) ?? [];
    this.#at += found.length;
    return found;
  }
}

function unquoted(literal: string): string {
  if (!literal.startsWith('"')) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal.slice(1, -1);
  }
}

/** Positions of the keys of a TOML text that a parser has accepted. Keys within inline tables count as their table. */
export function keyPositions(text: string): FindPosition {
  const scanner = new KeyScanner(text);
  scanner.scan();
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const offset = scanner.offsets.get(JSON.stringify(path.slice(0, length).map(String)));
      if (offset === undefined) continue;
      const before = text.slice(0, offset);
      return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
    }
    return undefined;
  };
}

/** ` (line 3, column 1)`, or nothing. */
export const positionText = (position: Position | undefined): string =>
  position === undefined ? '' : ` (line ${position.line}, column ${position.column})`;
