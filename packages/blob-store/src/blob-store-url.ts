import { fileURLToPath } from 'node:url';

/** A folder, `file:///absolute/path`. */
export interface FileLocation {
  readonly kind: 'file';
  readonly root: string;
}

/** A bucket, `s3://bucket/prefix?endpoint=…&region=…&path-style=true|false`. */
export interface S3Location {
  readonly kind: 's3';
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** Address of an S3-compatible server; AWS without it. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly isPathStyle: boolean;
}

export type BlobStoreLocation = FileLocation | S3Location;

const DEFAULT_REGION = 'us-east-1';
const S3_FORM = 's3://bucket/prefix?endpoint=http(s)://host:port&region=…&path-style=true|false';
const S3_OPTIONS = ['endpoint', 'region', 'path-style'];

/**
 * Reads `BLOB_STORE_URL`. Throws an error whose message completes "expected …" and never repeats the URL, in which
 * somebody may have put a key.
 */
export function parseBlobStoreUrl(url: string): BlobStoreLocation {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 's3:') return parseS3(parsed);
  const isPlain = parsed?.hostname === '' && parsed.search === '' && parsed.hash === '';
  // URL() would also take `file:path` and `file://path`, whose meaning depends on the current folder.
  if (parsed?.protocol === 'file:' && isPlain && url.toLowerCase().startsWith('file:///')) {
    return { kind: 'file', root: fileURLToPath(parsed).replace(/(?<=.)\/+$/, '') };
  }
  throw new Error(`a folder as file:///absolute/path or a bucket as ${S3_FORM}`);
}

/** What was expected instead of this URL; undefined when it is one. For rules of configurations. */
export function problemOfBlobStoreUrl(url: string): string | undefined {
  try {
    parseBlobStoreUrl(url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function parseS3(url: URL): S3Location {
  if (url.username !== '' || url.password !== '') {
    throw new Error('no keys in the address: they go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  for (const name of url.searchParams.keys()) {
    const isGood = S3_OPTIONS.includes(name) && url.searchParams.getAll(name).length === 1;
    if (!isGood) throw new Error(`only ${S3_OPTIONS.join(', ')} after the question mark, each once`);
  }
  // The bucket decides what a request reaches: what is none by S3's rules is refused before anything is sent.
  const isBucket = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname) && !url.hostname.includes('..');
  if (!isBucket || url.port !== '' || url.hash !== '') throw new Error(`a bucket as ${S3_FORM}`);
  const endpoint = parseEndpoint(url.searchParams.get('endpoint'));
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: parsePrefix(url.pathname),
    endpoint,
    region: parseRegion(url.searchParams.get('region')),
    isPathStyle: parsePathStyle(url.searchParams.get('path-style')) ?? endpoint !== undefined,
  };
}

function parsePrefix(pathname: string): string {
  const path = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '');
  if (!/^[\w!.*'() /-]*$/.test(path) || path.split('/').includes('..') || path.includes('//')) {
    throw new Error("a prefix of letters, digits, slashes and !-_.*'()");
  }
  return path === '' ? '' : `${path}/`;
}

function parseEndpoint(text: string | null): string | undefined {
  if (text === null) return undefined;
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
  const isPlain = parsed?.username === '' && parsed.password === '' && parsed.search === '';
  if (!isHttp || !isPlain || parsed.hash !== '') throw new Error('endpoint=http(s)://host:port without keys');
  return parsed.href.replace(/\/+$/, '');
}

function parseRegion(text: string | null): string {
  const region = text ?? DEFAULT_REGION;
  if (!/^[A-Za-z0-9-]{1,64}$/.test(region)) throw new Error('region= with letters, digits and hyphens');
  return region;
}

function parsePathStyle(text: string | null): boolean | undefined {
  if (text === null) return undefined;
  if (text !== 'true' && text !== 'false') throw new Error('path-style=true or path-style=false');
  return text === 'true';
}
