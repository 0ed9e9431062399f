/** What one Markdown page links to, and what can be linked to in it. */
export interface MarkdownText {
  readonly links: readonly { readonly target: string; readonly line: number }[];
  /** As forges make them of headings, and `id`s of inline HTML. */
  readonly anchors: ReadonlySet<string>;
}

const FENCE = /^\s*(`{3,}|~{3,})/;
const INLINE_CODE = /(`+)(?!`).*?(?<!`)\1(?!`)/g;
const INLINE_LINK = /!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const REFERENCE = /^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)/;
const HTML_LINK = /<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]+)"/g;
const HTML_ID = /<[a-z]+\b[^>]*?\b(?:id|name)="([^"]+)"/g;
const HEADING = /^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/;

/** Reads links and anchors; code is left out. */
export function readMarkdown(text: string): MarkdownText {
  const links: { target: string; line: number }[] = [];
  const anchors = new Set<string>();
  for (const { line, number } of linesOutsideCode(text)) {
    const heading = HEADING.exec(line)?.[1];
    if (heading !== undefined) addAnchor(anchors, heading);
    for (const [, id = ''] of line.matchAll(HTML_ID)) anchors.add(id);
    const prose = line.replace(INLINE_CODE, '`code`');
    const found = [...prose.matchAll(INLINE_LINK), ...prose.matchAll(HTML_LINK)].map(([, target]) => target);
    for (const target of [...found, REFERENCE.exec(prose)?.[1]])
      if (target !== undefined) links.push({ target, line: number });
  }
  return { links, anchors };
}

function* linesOutsideCode(text: string): Generator<{ line: string; number: number }> {
  let fence: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = FENCE.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined) {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined;
    } else yield { line, number: index + 1 };
  }
}

/** GitHub's rule: lower case, punctuation gone, spaces to hyphens, the second of a name gets `-1`. */
function addAnchor(anchors: Set<string>, heading: string): void {
  const plain = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]*>/g, '');
  const slug = plain
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
  let name = slug;
  for (let count = 1; anchors.has(name); count += 1) name = `${slug}-${count}`;
  anchors.add(name);
}
