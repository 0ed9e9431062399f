import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';

const tailBytes = 16_384;

/**
 * Opens a child's log for appending; what the run before wrote moves to `<path>.1`.
 * @param {string} path
 * @returns {number} A file descriptor that the caller closes.
 */
export function openLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  if (sizeOf(path) > 0) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/**
 * The last lines of a log, for a reader who wants to know why its writer ended.
 * @param {string} path
 * @param {number} [lines]
 * @returns {string[]}
 */
export function lastLines(path, lines = 20) {
  let descriptor;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    const read = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    const all = buffer.toString('utf8', 0, read).split(/\r?\n/);
    return all.filter((line) => line.trim() !== '').slice(-lines);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Keeps a log that is being written under a bound: past it, the content moves to `<path>.1` and the file starts again.
 * Its writer appends, so it goes on at the new end; lines written between copy and cut are lost.
 * @param {string} path
 * @param {number} maxBytes
 */
export function cutLog(path, maxBytes) {
  if (sizeOf(path) <= maxBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

/** @param {string} path */
function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
