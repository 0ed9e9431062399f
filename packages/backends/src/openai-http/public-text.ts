const maxPublicLength = 300;
const maxLogLength = 2000;

/** What not even a log may hold: pydantic repeats whole images in its reports, proxies repeat keys. */
const secrets: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/data:[\w.+-]*\/?[\w.+-]*;base64,[A-Za-z0-9+/=]*/gi, '…'],
  [/\b(?:bearer\s+|sk-|hf_)[\w.-]+/gi, '…'],
  [/[A-Za-z0-9+/=_-]{80,}/g, '…'],
];

/** Things an engine's text can hold that are nobody's business outside, and what stands in for them. */
const scrubs: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  ...secrets,
  [/<[^<>]*\bat 0x[0-9a-f]+>/gi, 'an object'],
  [/\b0x[0-9a-f]{4,}\b/gi, '…'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s'",)]+/gi, '…'],
  [/\bhost=['"]?[^\s'",)]+['"]?(?:,\s*port=\d+)?/gi, '…'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '…'],
  [/\[[0-9a-f]*:[0-9a-f:.]+\](?::\d+)?/gi, '…'],
  [/\b[a-z][\w.-]*:\d{2,5}\b/gi, '…'],
  [/(?<![\w./])\/(?:[\w.@+-]+\/)+[\w.@+-]*/g, '…'],
];

/** Python shows its inner lists, tracebacks and pydantic reports in some messages: none of it is for users. */
const pythonInside = /^\s*\[\s*\{\s*'|Traceback \(most recent|\bFile "|validation errors? for |<class '/;

/**
 * The part of an engine's message that may be shown to a client: no address, path, key, memory address or media,
 * no Python repr, one line, at most 300 characters. Undefined when nothing worth showing is left.
 */
export function toPublicText(message: string): string | undefined {
  if (pythonInside.test(message)) return undefined;
  let text = message.replace(/\s*\(parameter=[\s\S]*$/, '').replace(/\s+None\s*$/, '');
  for (const [pattern, replacement] of scrubs) text = text.replace(pattern, replacement);
  text = text
    .replace(/^(?:\w*(?:Error|Exception):\s*)+/, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (!/\w{2}/.test(text)) return undefined;
  return text.length > maxPublicLength ? `${text.slice(0, maxPublicLength - 1)}…` : text;
}

/** An engine's message for the log: without media and keys, at most 2000 characters. */
export function toLogText(message: string): string {
  let text = message;
  for (const [pattern, replacement] of secrets) text = text.replace(pattern, replacement);
  return text.slice(0, maxLogLength);
}
