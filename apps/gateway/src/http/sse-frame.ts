/** Clients read a line of at most 128 KiB; escaped, a character can take six bytes. */
const MAX_TEXT_CHARS = 10_000;

/** Cuts text without cutting a surrogate pair. */
export function* splitText(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + MAX_TEXT_CHARS, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** One server-sent event. */
export const sseFrame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

export const SSE_DONE = 'data: [DONE]\n\n';
