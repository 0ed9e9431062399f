import { call } from '../wire/call.js';
import type { Segment } from './subtitles.js';

/** What a model made of a recording. */
export interface Transcript {
  readonly segments: readonly Segment[];
  readonly language: string | undefined;
  /** Seconds. */
  readonly durationS: number | undefined;
  readonly tookMs: number;
}

interface VerboseWire {
  readonly text: string;
  readonly language?: string | null;
  readonly duration?: number | null;
  readonly segments?: readonly { readonly start: number; readonly end: number; readonly text: string }[];
}

export interface TranscribeOptions {
  readonly model: string;
  /** ISO 639-1; empty: the model finds out. */
  readonly language: string;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly onUpload: (sent: number, total: number) => void;
}

/** Throws `ProblemError`, or `AbortError` when stopped. */
export async function transcribe(file: File, options: TranscribeOptions): Promise<Transcript> {
  const { model, language, key, signal, onUpload } = options;
  const form = new FormData();
  // The fields first: they are checked before the recording has arrived.
  form.append('model', model);
  form.append('response_format', 'verbose_json');
  if (language !== '') form.append('language', language);
  form.append('file', file, file.name);
  const beganAtMs = performance.now();
  const { text } = await call({
    method: 'POST',
    path: '/v1/audio/transcriptions',
    key,
    body: form,
    signal,
    onUpload,
  });
  const wire = JSON.parse(text) as VerboseWire;
  const segments = (wire.segments ?? []).map(({ start, end, text: said }) => ({
    startS: start,
    endS: end,
    text: said,
  }));
  return {
    segments,
    language: wire.language ?? undefined,
    durationS: wire.duration ?? undefined,
    tookMs: performance.now() - beganAtMs,
  };
}
