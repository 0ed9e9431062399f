import { readFileSync } from 'node:fs';

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/**
 * Bytes on their way from one loopback port to another: in the sender's queue, or in the receiver's and not read yet.
 * `table` is the text of /proc/net/tcp. A side that is closed has nothing queued.
 */
export function parseQueuedBytes(table: string, fromPort: number, toPort: number): number {
  const queue = (localPort: number, remotePort: number, column: 'sent' | 'received'): number => {
    const pattern = `:${hexPort(localPort)} [0-9A-F]{8}:${hexPort(remotePort)} [0-9A-F]{2} ([0-9A-F]{8}):([0-9A-F]{8})`;
    const found = new RegExp(pattern).exec(table);
    return Number.parseInt((column === 'sent' ? found?.[1] : found?.[2]) ?? '0', 16);
  };
  return queue(fromPort, toPort, 'sent') + queue(toPort, fromPort, 'received');
}

/** The same as the kernel sees it now. Synchronous, because a moment later it is another number. */
export function queuedBytes(fromPort: number, toPort: number): number {
  return parseQueuedBytes(readFileSync('/proc/net/tcp', 'latin1'), fromPort, toPort);
}
