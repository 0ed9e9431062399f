/**
 * The thread that hashes stages of uploads, so that the event loop need not: it answers every message in order, with
 * the digest where one is asked for. See `stage-digest.ts`.
 */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** @typedef {{ call: number, upload: number, stage?: Uint8Array, length?: number, ends?: boolean }} DigestCall */

/** @type {Map<number, import('node:crypto').Hash>} */
const hashes = new Map();

parentPort?.on('message', (/** @type {DigestCall} */ { call, upload, stage, length = 0, ends = false }) => {
  const hash = hashes.get(upload) ?? createHash('sha256');
  if (stage !== undefined) hash.update(stage.subarray(0, length));
  if (ends) hashes.delete(upload);
  else hashes.set(upload, hash);
  parentPort?.postMessage({ call, digest: ends ? hash.digest() : undefined });
});
