import { createHash } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import { type GenerationEvent, generationEventSchema } from '@fovea/schemas/events';
import { z } from 'zod';
import type { StreamEntry } from '../index.js';

/** An entry together with the attempt that wrote it; two texts under one id always have two writers. */
export interface StoredEntry extends StreamEntry {
  readonly writer: string;
}

/** What a publish says: which entry exists now and, unless it is large, the entry itself. */
export interface Announcement {
  readonly id: number;
  readonly writer: string;
  readonly element: string | undefined;
}

const elementSchema = z.object({ w: z.string(), v: z.array(generationEventSchema).min(1) });
const announcementPattern = /^(\d+) ([\w-]+)(?: |$)/;

/**
 * Short name of an attempt, derived from its fence. Not a counter, because a Redis rollback also rolls counters back
 * and two attempts would then share one.
 */
export function writerTag(fence: string): string {
  return createHash('sha256').update(fence).digest('base64url').slice(0, 11);
}

export function encodeElement(writer: string, events: readonly GenerationEvent[]): string {
  return JSON.stringify({ w: writer, v: events });
}

/** Parses one element of the log list. Throws `INTERNAL` when it is not one of ours. */
export function parseElement(id: number, element: string): StoredEntry {
  try {
    const { w, v } = elementSchema.parse(JSON.parse(element));
    return { id, writer: w, events: v };
  } catch (cause) {
    throw new FoveaError('INTERNAL', { cause, detail: `entry ${id} of a request log cannot be read` });
  }
}

/** Undefined when the text is not an announcement; readers then rely on the log alone. */
export function parseAnnouncement(text: string): Announcement | undefined {
  const match = announcementPattern.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const element = text.slice(match[0].length);
  return { id: Number(match[1]), writer: match[2], element: element === '' ? undefined : element };
}
