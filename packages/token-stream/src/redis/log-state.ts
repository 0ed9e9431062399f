import { FoveaError } from '@fovea/errors';
import { errorEventSchema, generationEndSchema, type TerminalEvent } from '@fovea/schemas/events';
import { z } from 'zod';
import type { StreamState } from '../index.js';

const terminalSchema = z.discriminatedUnion('type', [generationEndSchema, errorEventSchema]);

/** Builds the public state from the fields of the state hash; empty or null means unset. */
export function toStreamState(lastId: number, output: string | null, terminal: string | null): StreamState {
  return {
    lastId,
    hasOutput: output === '1',
    terminal: terminal === null || terminal === '' ? undefined : parseTerminal(terminal),
  };
}

function parseTerminal(text: string): TerminalEvent {
  try {
    return terminalSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FoveaError('INTERNAL', { cause, detail: 'the terminal event of a request log cannot be read' });
  }
}

/** The reply of a `MULTI`, or the first error in it. */
export function transactionReplies(replies: [Error | null, unknown][] | null): unknown[] {
  if (replies === null) throw new FoveaError('INTERNAL', { detail: 'a Redis transaction was discarded' });
  return replies.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}

/** Shape of the state query: `LLEN`, then `HMGET fence output terminal`. */
export const stateRepliesSchema = z.tuple([
  z.number(),
  z.tuple([z.string().nullable(), z.string().nullable(), z.string().nullable()]),
]);
