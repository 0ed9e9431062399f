import { z } from 'zod';

/** What is kept of a request that has ended: figures, never a word or picture of it. */
export const journalEntrySchema = z.object({
  arrivedAtMs: z.number(),
  model: z.string(),
  route: z.string(),
  promptTokens: z.number(),
  images: z.number(),
  completionTokens: z.number(),
  durationMs: z.number(),
});
export type JournalEntry = z.infer<typeof journalEntrySchema>;

/**
 * The last requests of each tenant that were accepted and have ended, well or not. Those refused before they had a model are
 * the log's. Entries are lost without harm: nothing is billed here.
 */
export abstract class RequestJournal {
  abstract record(tenant: string, entry: JournalEntry): Promise<void>;
  /** Latest first. */
  abstract latest(tenant: string): Promise<JournalEntry[]>;
  abstract close(): Promise<void>;
}
