import { assertBase64DataUrl } from '../media/data-url.js';
import { chatMedia, type Place, promptMedia } from '../media/media-places.js';

/** What became of a body: its value and its media as hex by path, or the refusal's code, and what it says. */
export type Outcome =
  | { readonly value: unknown; readonly media: Readonly<Record<string, string>> }
  | { readonly refused: string; readonly because?: string; readonly param?: string | undefined };

/** What the sink of these tests judges by the first byte of a medium, as an image is judged by its header. */
export const isTooLarge = (bytes: Uint8Array): boolean => (bytes[0] ?? 0) >= 0xf0;
/** What it judges when it has seen a medium's end. */
export const isCutOff = (byteSize: number): boolean => byteSize % 11 === 0;

/** A route under test: the reader's rules, and the same in the plainest code there is. */
export interface FuzzRoute {
  readonly places: Place;
  readonly strings: (value: unknown) => Iterable<FoundString>;
}

interface FoundString {
  readonly path: string;
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly isDataUrl: boolean;
}

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function* chatStrings(value: unknown): Generator<FoundString> {
  if (!isObject(value)) return;
  for (const [m, message] of listOf(value.messages).entries()) {
    for (const [p, part] of listOf(isObject(message) ? message.content : undefined).entries()) {
      if (!isObject(part) || part.type !== 'image_url') continue;
      if (!isObject(part.image_url) || typeof part.image_url.url !== 'string') continue;
      const path = `messages[${m}].content[${p}].image_url.url`;
      yield { path, holder: part.image_url, key: 'url', isDataUrl: true };
    }
  }
}

function* promptStrings(value: unknown): Generator<FoundString> {
  for (const [i, item] of listOf(isObject(value) ? value.prompt : undefined).entries()) {
    if (!isObject(item) || item.type !== 'image' || typeof item.data !== 'string') continue;
    yield { path: `prompt[${i}].data`, holder: item, key: 'data', isDataUrl: false };
  }
}

export const chatRoute: FuzzRoute = { places: chatMedia, strings: chatStrings };
export const promptRoute: FuzzRoute = { places: promptMedia, strings: promptStrings };

/** What the reader must make of a body: `JSON.parse`, a strict base64, and what we are stricter about. */
export function expectedOutcome(body: Buffer, route: FuzzRoute): Outcome {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    value = JSON.parse(text);
  } catch {
    return { refused: 'not JSON' };
  }
  if (isStricter(text)) return { refused: 'INVALID_REQUEST' };
  const media: Record<string, string> = {};
  for (const { path, holder, key, isDataUrl } of route.strings(value)) {
    const bytes = strictlyDecoded(String(holder[key]), path, isDataUrl);
    if (typeof bytes === 'string') return { refused: bytes };
    if (isTooLarge(bytes)) return { refused: 'IMAGE_TOO_LARGE' };
    if (isCutOff(bytes.length)) return { refused: 'INVALID_IMAGE' };
    media[path] = bytes.toString('hex');
    holder[key] = '';
  }
  return { value, media };
}

/** The bytes, or the code of the refusal. */
function strictlyDecoded(text: string, path: string, isDataUrl: boolean): Buffer | string {
  try {
    if (isDataUrl) assertBase64DataUrl(text, path);
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  const base64 = isDataUrl ? text.slice(text.indexOf(',') + 1) : text;
  const isBase64 = /^([\w+/-]{4})*([\w+/-]{2}==|[\w+/-]{3}=)?$/.test(base64) && !/[-_]/.test(base64);
  const bytes = Buffer.from(base64, 'base64');
  return isBase64 && base64 !== '' && bytes.toString('base64') === base64 ? bytes : 'INVALID_IMAGE';
}

/** Whether a valid text has a key twice in one object, or a number that a double cannot keep. */
function isStricter(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  let previous = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+|[{}[\],:]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"') && (previous === '{' || previous === ',')) {
      const keys = open.at(-1);
      const key = String(JSON.parse(token));
      if (keys?.has(key)) return true;
      keys?.add(key);
    } else if (/^[-\d]/.test(token) && Math.abs(Number(token)) >= 2 ** 53) return true;
    previous = token;
  }
  return false;
}
