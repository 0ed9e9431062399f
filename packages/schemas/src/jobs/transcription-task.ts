import { z } from 'zod';

/** Speech to text. */
export const transcriptionTaskSchema = z.object({
  kind: z.literal('transcription'),
  /** Index into the envelope's `blobs`. */
  audio: z.number().int().nonnegative(),
  /** Where the client put it, for error messages: `audiofile`, `file`. */
  path: z.string(),
  /** ISO 639-1; absent: the engine listens for it. */
  language: z.string().optional(),
  /** Text that may have come before, for names and style. */
  prompt: z.string().optional(),
  temperature: z.number().optional(),
});
export type TranscriptionTask = z.infer<typeof transcriptionTaskSchema>;
