import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Smaller ones are not worth the call. */
const MIN_BYTES = 16 * 1024;

const nowhere = closedPort();

/** Nobody hears what is sent here, and what is transferred is gone (HTML standard, message ports; Node keeps to it). */
function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}

/**
 * Gives memory back that nobody will read again; the buffer is empty afterwards. Without effect on a buffer that shares its
 * memory. Left to the collector, 32 MiB of read chunks pile up before it looks, each in memory that no cache knows
 * yet: half of what it costs to read a large body.
 */
export function freeNow(bytes: Buffer): void {
  const { buffer, length } = bytes;
  if (length < MIN_BYTES || length !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  nowhere.postMessage(undefined, [buffer]);
}
