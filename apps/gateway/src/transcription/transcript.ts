import type { GenerationEvent } from '@fovea/schemas/events';

export type Segment = Extract<GenerationEvent, { type: 'segment' }>;

/** What a speech model made of a recording. */
export interface Transcript {
  readonly text: string;
  readonly segments: readonly Segment[];
  /** ISO 639-1; null when nobody said. */
  readonly language: string | null;
  /** Seconds; null when nobody said. */
  readonly durationS: number | null;
}

export function toTranscript(events: readonly GenerationEvent[]): Transcript {
  const about = events.find((event) => event.type === 'transcription');
  return {
    text: events.map((event) => (event.type === 'text-delta' ? event.text : '')).join(''),
    segments: events.filter((event) => event.type === 'segment'),
    language: about?.language ?? null,
    durationS: about?.durationS ?? null,
  };
}

/** Those of an engine that tells no times: one, as long as the recording. */
export function segmentsOf({ text, segments, durationS }: Transcript): readonly Segment[] {
  if (segments.length > 0 || text.trim() === '') return segments;
  return [{ type: 'segment', index: 0, startS: 0, endS: durationS ?? 0, text, tokenIds: [] }];
}
