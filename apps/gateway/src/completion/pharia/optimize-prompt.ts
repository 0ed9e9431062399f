import type { OptimizedPromptWire } from '@fovea/schemas/http';
import type { PromptItem } from '@fovea/schemas/jobs';

export interface OptimizedPrompt {
  readonly items: readonly PromptItem[];
  /** Undefined when nothing was changed. */
  readonly optimized: OptimizedPromptWire | undefined;
}

/**
 * What PhariaInference does to a prompt unless it is told not to: neighbouring texts become one, and blanks go where the
 * prompt begins or ends with a text.
 */
export function optimizePrompt(items: readonly PromptItem[]): OptimizedPrompt {
  const merged = trimmed(joined(items));
  const isChanged =
    merged.length !== items.length || merged.some((item, at) => textOf(item) !== textOf(items[at]));
  return { items: merged, optimized: isChanged ? merged.map(toWire) : undefined };
}

const textOf = (item: PromptItem | undefined): string | undefined =>
  item?.type === 'text' ? item.text : undefined;

function joined(items: readonly PromptItem[]): PromptItem[] {
  const all: PromptItem[] = [];
  for (const item of items) {
    const last = all.at(-1);
    if (item.type === 'text' && last?.type === 'text') {
      all[all.length - 1] = { type: 'text', text: last.text + item.text };
    } else {
      all.push(item);
    }
  }
  return all;
}

function trimmed(items: readonly PromptItem[]): PromptItem[] {
  return items.map((item, at) => {
    if (item.type !== 'text') return item;
    const begun = at === 0 ? item.text.trimStart() : item.text;
    return { type: 'text', text: at === items.length - 1 ? begun.trimEnd() : begun };
  });
}

/** Pictures are not sent back: `aleph-alpha-client` wants `data` to be there, so it is empty. */
function toWire(item: PromptItem): OptimizedPromptWire[number] {
  switch (item.type) {
    case 'text':
      return { type: 'text', data: item.text };
    case 'token-ids':
      return { type: 'token_ids', data: item.tokenIds };
    case 'image': {
      const { x = null, y = null, size = null } = item.crop ?? {};
      return { type: 'image', data: '', x, y, size };
    }
  }
}
