import { randomInt } from 'node:crypto';
import type { AddedToken } from '../../engine/text/token-text.js';

/** A piece of a rendered prompt: a special token, or plain text. */
export type PromptPiece = { readonly special: number } | { readonly text: string };

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Keeps special tokens out of what users type. An image or turn marker in a message is only text; it must not
 * become the token (CVE-2026-44222 is what happens to a server that lets it).
 *
 * `guard` rewrites user text before the template is rendered: each marker becomes a stand-in with an unguessable
 * number, and so does a part of a marker at either end, which the template could complete with its own text or with
 * the next part. `split` then cuts the rendered prompt at true markers and puts the user's words back.
 */
export class SpecialText {
  private readonly tokens: ReadonlyMap<string, AddedToken>;
  private readonly contents: readonly string[];
  private readonly marker: RegExp;
  private readonly standIn: RegExp;
  private readonly nonce: string;

  constructor(tokens: readonly AddedToken[]) {
    // Longest first: of two markers that begin alike the regular expression must take the longer one.
    const ordered = [...tokens].sort((a, b) => b.content.length - a.content.length);
    this.contents = ordered.map((token) => token.content);
    this.tokens = new Map(tokens.map((token) => [token.content, token]));
    // No token at all: an expression that matches nowhere.
    const nowhere = '(?!)';
    this.marker = new RegExp(`(${this.contents.map(escapeRegExp).join('|') || nowhere})`, 'g');
    // Digits between private-use characters: no template filter trims or re-cases them, no user can guess them.
    this.nonce = Array.from({ length: 4 }, () => randomInt(2 ** 47)).join('');
    this.standIn = new RegExp(`\uE000${this.nonce}-(\\d+)\uE001`, 'g');
  }

  guard(text: string): string {
    const guarded = text.replace(this.marker, (found) => this.standInFor(this.contents.indexOf(found)));
    const isOpen = this.contents.some((content) => couldGoOn(guarded, content));
    const isClosing = this.contents.some((content) => couldHaveBegun(guarded, content));
    const empty = this.standInFor(this.contents.length);
    return `${isClosing ? empty : ''}${guarded}${isOpen ? empty : ''}`;
  }

  split(rendered: string): PromptPiece[] {
    // Texts at even places, markers at odd ones.
    const pieces = rendered.split(this.marker);
    return pieces.flatMap((piece, at): PromptPiece[] => {
      if (at % 2 === 1) return [{ special: this.tokens.get(piece)!.id }];
      // Blanks are cut off here: an expression that begins with them would try every one of a long run of them.
      const left = this.tokens.get(pieces[at - 1] ?? '')?.rstrip === true ? piece.trimStart() : piece;
      const both = this.tokens.get(pieces[at + 1] ?? '')?.lstrip === true ? left.trimEnd() : left;
      const text = both.replace(this.standIn, (_found, index) => this.contents[Number(index)] ?? '');
      return text === '' ? [] : [{ text }];
    });
  }

  private standInFor(index: number): string {
    return `\uE000${this.nonce}-${index}\uE001`;
  }
}

/** Does the text end with a beginning of the marker? */
function couldGoOn(text: string, marker: string): boolean {
  for (let length = 1; length < marker.length; length += 1) {
    if (text.endsWith(marker.slice(0, length))) return true;
  }
  return false;
}

/** Does the text begin with an end of the marker? */
function couldHaveBegun(text: string, marker: string): boolean {
  for (let length = 1; length < marker.length; length += 1) {
    if (text.startsWith(marker.slice(-length))) return true;
  }
  return false;
}
