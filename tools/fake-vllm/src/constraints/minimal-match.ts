const classes: Readonly<Record<string, string>> = {
  d: '0',
  w: 'a',
  s: ' ',
  D: 'a',
  W: ' ',
  S: 'a',
  n: '\n',
  t: '\t',
};
const maxLength = 10_000;

/** Reads a pattern from left to right and writes the first, shortest text it allows. */
class Matcher {
  #at = 0;
  readonly #pattern: string;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Alternatives up to the closing parenthesis or the end; the first one is taken. */
  alternatives(): string {
    const first = this.#sequence();
    while (this.#peek() === '|') {
      this.#at += 1;
      this.#sequence();
    }
    return first;
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? '';
  }

  #next(): string {
    const character = this.#peek();
    this.#at += 1;
    return character;
  }

  #sequence(): string {
    let text = '';
    while (this.#at < this.#pattern.length && this.#peek() !== '|' && this.#peek() !== ')') {
      const atom = this.#atom();
      text += atom.repeat(this.#repeats());
      if (text.length > maxLength) throw new Error('The pattern asks for too much text.');
    }
    return text;
  }

  #atom(): string {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return 'a';
      case '^':
      case '$':
        return '';
      case '\\': {
        const escaped = this.#next();
        if (/[bB]/.test(escaped)) return '';
        return classes[escaped] ?? escaped;
      }
      default:
        return character;
    }
  }

  #group(): string {
    const kind = /^\?(?::|=|!|<=|<!|<\w+>|P<\w+>)/.exec(this.#pattern.slice(this.#at))?.[0] ?? '';
    this.#at += kind.length;
    const text = this.alternatives();
    if (this.#next() !== ')') throw new Error('The pattern has a parenthesis that is not closed.');
    return /^\?<?[=!]/.test(kind) ? '' : text;
  }

  #class(): string {
    const source = /^\^?(?:\\.|[^\\\]])*(?=\])/.exec(this.#pattern.slice(this.#at))?.[0];
    if (source === undefined) throw new Error('The pattern has a bracket that is not closed.');
    this.#at += source.length + 1;
    const allowed = new RegExp(`[${source}]`);
    const found = [...'a0A _-.,:/'].find((character) => allowed.test(character));
    if (found !== undefined) return found;
    for (let code = 32; code < 0xd800; code += 1) {
      const character = String.fromCharCode(code);
      if (allowed.test(character)) return character;
    }
    throw new Error('The pattern has a class that allows nothing.');
  }

  /** How often the quantifier after an atom wants it at the least. */
  #repeats(): number {
    const quantifier = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})[?+]?/.exec(this.#pattern.slice(this.#at));
    if (quantifier === null) return 1;
    this.#at += quantifier[0].length;
    if (quantifier[1] !== undefined) return Number(quantifier[1]);
    return quantifier[0].startsWith('+') ? 1 : 0;
  }
}

/**
 * A short text that matches a regular expression. Throws when the expression is none, and when it leans on
 * look-arounds or back references, which are not followed.
 */
export function minimalMatch(pattern: string): string {
  const whole = new RegExp(`^(?:${pattern})$`);
  const text = new Matcher(pattern).alternatives();
  if (!whole.test(text)) throw new Error('The pattern is beyond this engine.');
  return text;
}
