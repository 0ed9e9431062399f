import { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import type { S3Location } from '../blob-store-url.js';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Until the answer begins: enough for a part of 8 MiB at 3 Mbit/s. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Silence in the middle of an answer, ours included: who stops reading for so long gets a broken stream. */
const SILENCE_TIMEOUT_MS = 60_000;
/** The first try and its repetitions, with growing pauses, after 5xx, throttling and broken connections. */
const MAX_ATTEMPTS = 4;
const MAX_SOCKETS = 64;

const SHA256_HEADER = 'x-amz-content-sha256';
/** A whole part given to a socket at once is copied, or encrypted, in one go on the event loop. */
const SLICE_BYTES = 65_536;

function slicesOf(body: Uint8Array): Readable {
  let offset = 0;
  return new Readable({
    highWaterMark: SLICE_BYTES,
    read() {
      const slice = body.subarray(offset, offset + SLICE_BYTES);
      offset += slice.byteLength;
      this.push(slice.byteLength === 0 ? null : slice);
    },
  });
}

/** SHA-256 (hex) of bodies that were hashed piece by piece while they came in. */
const knownHashes = new WeakMap<Uint8Array, string>();

/** Spares the SDK from hashing a whole part again in one go on the event loop. The body must not change any more. */
export function declareHash(body: Uint8Array, sha256: string): void {
  knownHashes.set(body, sha256);
}

/**
 * The SDK's client with every wait bounded. Without `credentials` the SDK looks for them itself: role of the
 * container or machine, web identity, `~/.aws`. That chain reads the environment and files on its own account; it is the
 * only way in which roles work. Nothing else is taken from the environment: region, endpoint, retries and checksums
 * are set here.
 */
export function createS3Client(location: S3Location, credentials: S3Credentials | undefined): S3Client {
  const client = new S3Client({
    region: location.region,
    forcePathStyle: location.isPathStyle,
    ignoreConfiguredEndpointUrls: true,
    // A bucket of AWS in another region than the address says; elsewhere there are no regions.
    followRegionRedirects: location.endpoint === undefined,
    ...(location.endpoint === undefined ? {} : { endpoint: location.endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'standard',
    // Older servers refuse the new checksum headers. The payload's SHA-256 is signed and checked in any case.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: ANSWER_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: SILENCE_TIMEOUT_MS,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const { input, request } = args;
      const body = 'Body' in input ? input.Body : undefined;
      const hash = body instanceof Uint8Array ? knownHashes.get(body) : undefined;
      const hasHeaders = typeof request === 'object' && request !== null && 'headers' in request;
      if (hash !== undefined && hasHeaders)
        Object.assign(request.headers as object, { [SHA256_HEADER]: hash });
      return next(args);
    },
    { step: 'build', name: 'knownHashes' },
  );
  // After signing and within a retry: each try sends the same bytes anew.
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      const body = typeof request === 'object' && request !== null && 'body' in request && request.body;
      if (!(body instanceof Uint8Array) || body.byteLength <= SLICE_BYTES) return next(args);
      const sliced: unknown = Object.assign(Object.create(Object.getPrototypeOf(request)), request, {
        body: slicesOf(body),
      });
      return next({ ...args, request: sliced });
    },
    { step: 'deserialize', name: 'slicedBodies' },
  );
  return client;
}
