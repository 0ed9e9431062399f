/**
 * Media and keys inside text. The rules go by structure: what a data URL, a base64 run, a printed byte array or
 * a credential looks like. Every pattern is linear or bounded, because the text may be an attacker's.
 */

/** Longest text that is looked at; what follows is only counted. */
const MAX_SCANNED_CHARACTERS = 16 * 1024;
/** Longest text that is kept after the rules were applied. */
export const MAX_KEPT_CHARACTERS = 4 * 1024;
/** A run of base64 characters this long is taken for media. */
const MEDIA_RUN_CHARACTERS = 256;

export const hiddenBytes = (count: number): string => `[${count} bytes]`;

/** The beginning of a data URL: with a media type (blanks allowed), without one, or cut so that `;base64,` leads. */
const dataUrl =
  /\bdata:\s{0,8}[\w.+-]{1,64}\/[\w.+-]{1,64}[^,]{0,256},|\bdata:[^,\s]{0,256},|;\s{0,8}base64\s{0,8},/i;
/** Also takes percent-encoded, url-safe and JSON-escaped base64, and hex. */
const base64Run = /[A-Za-z0-9+/_=%\\-]+/g;
/** Base64 in lines, as MIME and `openssl base64` wrap it; the last line may be short. */
const wrappedRuns =
  /[A-Za-z0-9+/=]{60,255}(?:\s{1,4}[A-Za-z0-9+/=]{60,255}){2,}(?:\s{1,4}[A-Za-z0-9+/=]{1,255})?/g;
/** `String(uint8Array)` and the inside of a JSON array of bytes. */
const byteArray = /\d{1,3}(?:,\s?\d{1,3}){63,}/g;
const trailingRun = /[A-Za-z0-9+/_=%\\-]{0,256}$/;

const credentials: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]{0,32}:\/\/)[^\s"'<>]{0,1024}@/gi, '$1[redacted]@'],
  [/\b(Bearer|Basic)\s{1,8}[^\s"',;]{1,4096}/gi, '$1 [redacted]'],
  // API keys that tenants create, as `auth/key-secret.ts` of the gateway makes them.
  [/\bfov_[\w-]{40,64}/g, '[redacted]'],
  [/\beyJ[\w-]{8,4096}\.[\w-]{1,4096}\.[\w-]{0,4096}/g, '[redacted]'],
  [
    /((?:api[-_]?key|access[-_]?token|token|secret|password|passwd|signature|cookie)["']?\s{0,4}[=:]\s{0,4}["']?)[^\s"'&;,}]{1,4096}/gi,
    '$1[redacted]',
  ],
];

function hideCredentials(text: string): string {
  return credentials.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

function hideMedia(text: string, length: number): string {
  const start = text.search(dataUrl);
  // Where a data URL ends is the sender's choice (blanks, quotes, commas), so nothing after its start is kept.
  const before = start === -1 ? text : text.slice(0, start);
  const scrubbed = before
    .replace(base64Run, (run) => (run.length >= MEDIA_RUN_CHARACTERS ? hiddenBytes(run.length) : run))
    .replace(wrappedRuns, (run) => (run.length >= MEDIA_RUN_CHARACTERS ? hiddenBytes(run.length) : run))
    .replace(byteArray, (run) => hiddenBytes(run.length));
  return start === -1 ? scrubbed : `${scrubbed}${hiddenBytes(length - start)}`;
}

/** Ids, codes, names and numbers: too short for media, and without the separators that every credential rule needs. */
const plainWord = /^(?!eyJ)[\w-]{0,64}$/;

/** Text without media and credentials, at most about `MAX_KEPT_CHARACTERS` long. */
export function redactText(text: string): string {
  if (plainWord.test(text)) return text;
  const isCut = text.length > MAX_SCANNED_CHARACTERS;
  // A run that the cut goes through would look too short to be media.
  const scanned = isCut ? text.slice(0, MAX_SCANNED_CHARACTERS).replace(trailingRun, '') : text;
  const safe = hideCredentials(hideMedia(scanned, text.length));
  if (safe.length > MAX_KEPT_CHARACTERS) {
    return `${safe.slice(0, MAX_KEPT_CHARACTERS)}… ${hiddenBytes(text.length)}`;
  }
  return isCut && !safe.endsWith(' bytes]') ? `${safe}… ${hiddenBytes(text.length - scanned.length)}` : safe;
}

const jsonEscapeOrRun = /\\(?:u[0-9a-fA-F]{4}|.)|[A-Za-z0-9+/_=%-]+/g;
const jsonDataUrl = /(\bdata:[^,"\s\\]{0,256},|;base64,)(?:[^"\\]|\\.)*/gi;

/**
 * Last gate before the destination: the same for a whole JSON line, which stays valid JSON because only the inside
 * of string literals is touched and no escape is cut. Catches what reaches the line past `redactValue`: prefixes,
 * serializers of child loggers, and media put together by format arguments.
 */
export function redactLine(line: string): string {
  return line
    .replace(jsonDataUrl, (found) => hiddenBytes(found.length))
    .replace(jsonEscapeOrRun, (found) =>
      found[0] !== '\\' && found.length >= MEDIA_RUN_CHARACTERS ? hiddenBytes(found.length) : found,
    );
}
