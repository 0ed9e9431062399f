/** A run of text within a block. */
export interface Span {
  readonly style: 'plain' | 'bold' | 'italic' | 'code';
  readonly text: string;
}

/** What the page shows of Markdown; everything else stays the text that it is. */
export type Block =
  | { readonly kind: 'paragraph' | 'quote'; readonly spans: readonly Span[] }
  | { readonly kind: 'heading'; readonly level: number; readonly spans: readonly Span[] }
  | {
      readonly kind: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly (readonly Span[])[];
    }
  | { readonly kind: 'code'; readonly text: string };

const fence = /^\s{0,3}(```+|~~~+)/;
const heading = /^(#{1,6})\s+(.*)$/;
const bullet = /^\s*[-*+]\s+(.*)$/;
const numbered = /^\s*(\d{1,9})[.)]\s+(.*)$/;
const quote = /^>\s?(.*)$/;

/**
 * Cuts an answer into blocks. Made for text that is still being written: a fence that is not closed yet is code up to
 * the end, and nothing is ever thrown.
 */
export function parseMarkdown(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at += 1;
      continue;
    }
    const [block, next] = blockAt(lines, at);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

function blockAt(lines: readonly string[], at: number): [Block, number] {
  const line = lines[at] ?? '';
  const opened = fence.exec(line)?.[1];
  if (opened !== undefined) return codeAt(lines, at, opened);
  const [, marks, title] = heading.exec(line) ?? [];
  if (marks !== undefined)
    return [{ kind: 'heading', level: marks.length, spans: parseSpans(title ?? '') }, at + 1];
  if (bullet.test(line)) return listAt(lines, at, bullet, false);
  if (numbered.test(line)) return listAt(lines, at, numbered, true);
  if (quote.test(line)) {
    const quoted = linesWhile(lines, at, (candidate) => quote.test(candidate));
    const inner = quoted.map((candidate) => quote.exec(candidate)?.[1] ?? '').join('\n');
    return [{ kind: 'quote', spans: parseSpans(inner) }, at + quoted.length];
  }
  const own = linesWhile(lines, at, (candidate, index) => index === at || !startsBlock(candidate));
  return [{ kind: 'paragraph', spans: parseSpans(own.join('\n').trimStart()) }, at + own.length];
}

const startsBlock = (line: string): boolean =>
  line.trim() === '' || [fence, heading, bullet, numbered, quote].some((start) => start.test(line));

function linesWhile(
  lines: readonly string[],
  from: number,
  isOwn: (line: string, index: number) => boolean,
): readonly string[] {
  let end = from;
  while (end < lines.length && isOwn(lines[end] ?? '', end)) end += 1;
  return lines.slice(from, end);
}

function codeAt(lines: readonly string[], at: number, opened: string): [Block, number] {
  const closes = (line: string): boolean => line.trim().startsWith(opened) && /^(`+|~+)$/.test(line.trim());
  const own = linesWhile(lines, at + 1, (line) => !closes(line));
  return [{ kind: 'code', text: own.join('\n') }, at + own.length + 2];
}

function listAt(lines: readonly string[], at: number, item: RegExp, ordered: boolean): [Block, number] {
  const own = linesWhile(lines, at, (line) => item.test(line) || /^\s{2,}\S/.test(line));
  const items: string[] = [];
  for (const line of own) {
    const text = item.exec(line)?.at(-1);
    if (text !== undefined) items.push(text);
    else items.splice(-1, 1, `${items.at(-1) ?? ''}\n${line.trim()}`);
  }
  const start = ordered ? Number(numbered.exec(own[0] ?? '')?.[1] ?? 1) : 1;
  return [{ kind: 'list', ordered, start, items: items.map(parseSpans) }, at + own.length];
}

/** Inline code wins over bold, bold over italic; a mark without its partner is a character. */
const marked = /`([^`\n]+)`|\*\*(?=\S)([^\n]*?\S)\*\*|(?<![\w*])\*(?=[^\s*])([^*\n]*?[^\s*])\*(?![\w*])/g;

function parseSpans(text: string): Span[] {
  const spans: Span[] = [];
  const plain = (piece: string): void => {
    if (piece !== '') spans.push({ style: 'plain', text: piece });
  };
  let at = 0;
  for (const match of text.matchAll(marked)) {
    plain(text.slice(at, match.index));
    const [whole, code, bold, italic] = match;
    const style = code !== undefined ? 'code' : bold !== undefined ? 'bold' : 'italic';
    spans.push({ style, text: code ?? bold ?? italic ?? '' });
    at = match.index + whole.length;
  }
  plain(text.slice(at));
  return spans;
}
