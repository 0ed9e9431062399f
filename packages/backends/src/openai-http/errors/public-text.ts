const maxPublicLength = 300;
const maxLogLength = 2000;

type Scrub = readonly [pattern: RegExp, replacement: string];

/**
 * What not even a log may hold: pydantic repeats whole images in its reports, proxies repeat keys. Quantifiers are
 * bounded here and below, so that no message takes more than linear time.
 */
const secrets: readonly Scrub[] = [
  [/data:[\w.+/-]{0,100}(?:;[\w.+=-]{0,100}){0,4},[A-Za-z0-9+/=_%-]*/gi, '…'],
  [/\bb'[^']*\\x[^']*'?|\bb"[^"]*\\x[^"]*"?/g, '…'],
  [/(?:\\x[0-9a-f]{2}){2,}/gi, '…'],
  [/\bbearer\s+[\w.~+/=-]+|\b(?:sk|pk|rk|xox[abp]|gh[pousr])[-_][\w-]{6,}|\bhf_\w+|\bAKIA\w{8,}/gi, '…'],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g, '…'],
  [
    /\b(?:api[_-]?key|password|passwd|secret|(?:access|auth)[_-]token)\b["']?\s{0,4}[=:]\s{0,4}["']?[^\s"',)]+/gi,
    '…',
  ],
  [/[A-Za-z0-9+/=_-]{65,}/g, '…'],
];

/** Things an engine's text can hold that are nobody's business outside, and what stands in for them. */
const scrubs: readonly Scrub[] = [
  ...secrets,
  [/[A-Za-z0-9+/=]{40,}/g, '…'],
  [/<[^<>]{0,500}\bat 0x[0-9a-f]+>/gi, 'an object'],
  [/<[\w.]{1,200} object>/g, 'an object'],
  [/\b0x[0-9a-f]{4,}\b/gi, '…'],
  [/\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s'",)]+/gi, '…'],
  [/\bhost=['"]?[^\s'",)]+['"]?(?:,\s{0,4}port=\d+)?/gi, '…'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '…'],
  [/\[[0-9a-f]{0,4}:[0-9a-f:.]{1,40}\](?::\d+)?/gi, '…'],
  [/(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}/gi, '…'],
  [/(?<![\w./<~])~?\/[\w.@+-]{2,255}(?:\/[\w.@+-]{0,255}){0,64}/g, '…'],
  [/(?<![\w./])(?:[\w-]{1,64}\/){0,16}[\w-]{1,64}\.py\b(?::\d+)?/g, '…'],
  [/\blocalhost\b(?::\d+)?/gi, '…'],
  [/\b(?:[\w-]{1,63}\.){1,8}(?:internal|local|lan|svc|cluster|corp|intra|localdomain)\b(?::\d+)?/gi, '…'],
  [/(?<![\w.-])[a-z][\w.-]{0,253}:\d{2,5}\b/gi, '…'],
  [/\b[a-z]:\\[^\s'",)]+/gi, '…'],
];

/**
 * Python shows its inner lists, tracebacks and pydantic reports in some messages, CUDA its memory, a proxy its page:
 * none of it is for users.
 */
const internals = [
  /^\s*[[{<]/,
  /Traceback \(most recent|\bFile "|<class '|<!doctype|<html/i,
  /validation errors?(?: for |:)|\binput_value=|pydantic/i,
  /\b(?:kw)?(?:args|data)=[[({<]/,
  /'NoneType'|object has no attribute|\b__\w+__\b|(?:positional|keyword) arguments?\b/,
  /\bCUDA\b|\bNCCL\b|\bGPU \d|\btorch\b|\b(?:tensor|array|dtype|device)\(|\btensor of size/,
  // The repr of an object: `SamplingParams(n=1, …)`.
  /\b[A-Z]\w{0,100}\(\w{1,100}=/,
];

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal are what is looked for.
const control = /\u001b\[[\d;]{0,20}[a-z]|[\u0000-\u001f\u007f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/gi;

/**
 * The part of an engine's message that may be shown to a client: no address, path, key, memory address or media,
 * no Python repr, one line, at most 300 characters. Undefined when nothing worth showing is left.
 */
export function toPublicText(message: string): string | undefined {
  if (internals.some((pattern) => pattern.test(message))) return undefined;
  let text = message
    .replace(control, ' ')
    .replace(/\(parameter=[\s\S]*$/, '')
    .replace(/\sNone\s*$/, '');
  for (const [pattern, replacement] of scrubs) text = text.replace(pattern, replacement);
  text = text
    .replace(/^(?:\s*[\w.]{0,100}(?:Error|Exception|Warning):)+/, '')
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
