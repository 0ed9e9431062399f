import { element } from '../page/elements.js';
import { type Block, parseMarkdown, type Span } from './markdown.js';

const tags = { bold: 'strong', italic: 'em', code: 'code' } as const;

const spanNodes = (spans: readonly Span[]): (Node | string)[] =>
  spans.map(({ style, text }) => (style === 'plain' ? text : element(tags[style], {}, text)));

function blockNode(block: Block): HTMLElement {
  switch (block.kind) {
    case 'paragraph':
      return element('p', {}, ...spanNodes(block.spans));
    case 'quote':
      return element('blockquote', {}, ...spanNodes(block.spans));
    case 'heading':
      return element(block.level <= 2 ? 'h3' : 'h4', {}, ...spanNodes(block.spans));
    case 'code':
      // Wide code is scrolled, with the keyboard too.
      return element('pre', { tabindex: '0' }, element('code', {}, block.text));
    case 'list': {
      const items = block.items.map((spans) => element('li', {}, ...spanNodes(spans)));
      const list = element(block.ordered ? 'ol' : 'ul', {}, ...items);
      if (list instanceof HTMLOListElement) list.start = block.start;
      return list;
    }
  }
}

/** Shows a growing answer. Text of a model only ever becomes text nodes; blocks that did not change stay in place. */
export class MarkdownView {
  #shown: string[] = [];

  constructor(private readonly parent: HTMLElement) {}

  show(text: string): void {
    const blocks = parseMarkdown(text);
    const forms = blocks.map((block) => JSON.stringify(block));
    for (const [at, block] of blocks.entries()) {
      if (forms[at] === this.#shown[at]) continue;
      const node = blockNode(block);
      const old = this.parent.children[at];
      if (old === undefined) this.parent.append(node);
      else old.replaceWith(node);
    }
    while (this.parent.children.length > blocks.length) this.parent.lastElementChild?.remove();
    this.#shown = forms;
  }
}
