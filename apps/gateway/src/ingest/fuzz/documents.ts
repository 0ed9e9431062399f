import type { Random } from './random.js';

/** Random bodies: most of the form that a route expects, some broken in one place. */
export function randomBody(random: Random, form: 'chat' | 'prompt'): Buffer {
  const draft = new Draft(random);
  const text = form === 'chat' ? draft.chat() : draft.prompt();
  const body = Buffer.from(`${draft.blank()}${text}${draft.blank()}`);
  return random.chance(50) ? body : damaged(body, random);
}

const NUMBERS = [
  '0',
  '-0',
  '7',
  '-12',
  '1.5',
  '0.1e-2',
  '1E3',
  '-9007199254740991',
  '9007199254740992',
  '90071992547409910e-1',
  '1e400',
  '1e-400',
  '123456789012345678901234567890',
  '0.30000000000000004',
];
const KEYS = [
  'type',
  'text',
  'url',
  'image_url',
  'data',
  'a',
  'ä',
  '__proto__',
  'toString',
  '0',
  '',
  '\u{1f600}',
];
const CHARS = [
  'a',
  'Z',
  '"',
  '\\',
  '/',
  '\n',
  '\t',
  '\u0000',
  '\u007f',
  'é',
  '日',
  '\u{1f600}',
  '\u2028',
  ',',
];
const SCHEMES = ['data:image/png;base64,', 'DATA:;base64,', 'data:image/jpeg;charset=ü; base64 ,', 'data:,'];

class Draft {
  constructor(private readonly random: Random) {}

  chat(): string {
    const messages = this.list(() => this.#object([['role', this.#string('user')], this.#content()]));
    return this.#object([['messages', messages], ['model', this.#string('m')], ...this.#extras()]);
  }

  prompt(): string {
    const items = this.list(() => this.#item('image', [['data', this.#string(this.#base64())]]));
    return this.#object([['prompt', items], ...this.#extras()]);
  }

  blank(): string {
    return this.random.chance(20) ? this.random.pick([' ', '\n', '\t', '\r\n', '   ']) : '';
  }

  list(element: () => string): string {
    const parts = Array.from(
      { length: this.random.below(4) },
      () => `${this.blank()}${element()}${this.blank()}`,
    );
    return `[${parts.join(',')}]`;
  }

  #content(): [string, string] {
    if (this.random.chance(20)) return ['content', this.#text()];
    const part = (): string => {
      const url = this.#string(
        `${this.random.chance(90) ? SCHEMES[0] : this.random.pick(SCHEMES)}${this.#base64()}`,
      );
      const image = this.random.chance(90) ? this.#object([['url', url], ...this.#extras()]) : this.#value(2);
      return this.#item('image_url', [['image_url', image]]);
    };
    return ['content', this.list(part)];
  }

  /** Something with a `type`, which may be another one, be missing, or be no string. */
  #item(type: string, fields: [string, string][]): string {
    if (this.random.chance(5)) return this.#value(1);
    const found = this.random.pick([type, type, type, type, 'text', `${type}x`]);
    const typed: [string, string][] = this.random.chance(5)
      ? this.random.chance(50)
        ? []
        : [['type', this.#value(2)]]
      : [['type', this.#string(found)]];
    return this.#object([...typed, ...fields, ...this.#extras()]);
  }

  #extras(): [string, string][] {
    const count = this.random.chance(60) ? 0 : 1 + this.random.below(2);
    return Array.from({ length: count }, () => [this.random.pick(KEYS), this.#value(0)]);
  }

  #object(fields: [string, string][]): string {
    const parts = this.random.shuffled(fields).map(([key, value]) => {
      return `${this.blank()}${this.#string(key)}${this.blank()}:${this.blank()}${value}${this.blank()}`;
    });
    return `{${parts.join(',')}}`;
  }

  #value(depth: number): string {
    const kind = this.random.below(depth > 2 ? 3 : 5);
    if (kind === 0) return this.random.pick(NUMBERS);
    if (kind === 1) return this.random.pick(['true', 'false', 'null']);
    if (kind === 2) return this.#text();
    if (kind === 3) return this.list(() => this.#value(depth + 1));
    const keys = Array.from({ length: this.random.below(3) }, () => this.random.pick(KEYS));
    return this.#object(keys.map((key) => [key, this.#value(depth + 1)]));
  }

  #text(): string {
    return this.#string(Array.from({ length: this.random.below(8) }, () => this.random.pick(CHARS)).join(''));
  }

  #base64(): string {
    if (this.random.chance(5))
      return this.random.pick(['', 'A', 'AB==', 'AAB=', 'A===', 'AA=A', 'AA A', 'AA-_']);
    const length = this.random.chance(5) ? 300 + this.random.below(400) : 1 + this.random.below(12);
    return this.random.bytes(length).toString('base64');
  }

  /** A JSON string, escaped more than it must be. */
  #string(text: string): string {
    const escapes = this.random.chance(30) ? 20 : 0;
    let written = '';
    for (const char of text) {
      const must = char === '"' || char === '\\' || char < ' ';
      if (must || this.random.chance(escapes)) written += this.#escaped(char);
      else written += char;
    }
    if (this.random.chance(1)) written += this.random.pick(['\\ud800', '\\uDC00x', '\\ud83d\\ude00']);
    return `"${written}"`;
  }

  #escaped(char: string): string {
    if (char === '/' && this.random.chance(70)) return '\\/';
    if (this.random.chance(50) && JSON.stringify(char).length === 4) return JSON.stringify(char).slice(1, -1);
    return Array.from({ length: char.length }, (_, index) => {
      const hex = char.charCodeAt(index).toString(16).padStart(4, '0');
      return `\\u${this.random.chance(50) ? hex : hex.toUpperCase()}`;
    }).join('');
  }
}

const SUSPECTS = Buffer.from('"\\{}[]:,-+.eE0u/= \n\u0000_\u007f');

function damaged(body: Buffer, random: Random): Buffer {
  const at = random.below(body.length);
  const byte = random.chance(70)
    ? SUSPECTS.subarray(random.below(SUSPECTS.length)).subarray(0, 1)
    : random.bytes(1);
  switch (random.below(5)) {
    case 0:
      return body.subarray(0, at);
    case 1:
      return Buffer.concat([body.subarray(0, at), byte, body.subarray(at)]);
    case 2:
      return Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]);
    case 3:
      return Buffer.concat([body.subarray(0, at), byte, body.subarray(at + 1)]);
    default: {
      const from = random.below(at + 1);
      return Buffer.concat([body.subarray(0, at), body.subarray(from)]);
    }
  }
}
