import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';

/**
 * Sends an object of which one list is long: two thousand vectors as numbers are 80 MB of JSON. Its elements are made and
 * written one after the other, as fast as the client reads, and the event loop turns between them.
 */
export async function sendJsonPieces<T>(
  reply: FastifyReply,
  frame: Readonly<Record<string, unknown>>,
  listKey: string,
  elements: readonly T[],
  toWire: (element: T, index: number) => unknown,
): Promise<void> {
  const pieces = async function* (): AsyncGenerator<string> {
    const entries = Object.entries(frame);
    for (const [at, [key, value]] of entries.entries()) {
      yield `${at === 0 ? '{' : ','}${JSON.stringify(key)}:`;
      if (key !== listKey) {
        yield JSON.stringify(value);
        continue;
      }
      for (const [index, element] of elements.entries()) {
        yield (index === 0 ? '[' : ',') + JSON.stringify(toWire(element, index));
        await setImmediate();
      }
      yield elements.length === 0 ? '[]' : ']';
    }
    yield '}';
  };
  reply.code(200).header('content-type', 'application/json; charset=utf-8');
  await reply.send(Readable.from(pieces(), { objectMode: false }));
}
