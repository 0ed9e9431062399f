/** The tokens that steer Whisper, by what they do. */
export interface WhisperTokens {
  readonly start: number;
  readonly end: number;
  readonly noTimestamps: number;
  /** Begins the text said before; absent: the model takes none. */
  readonly startOfPrevious: number | undefined;
  /** By code; empty: the model knows English only. */
  readonly languages: ReadonlyMap<string, number>;
  readonly transcribe: number | undefined;
  /** Never chosen. */
  readonly suppressed: readonly number[];
  /** Never chosen as the first. */
  readonly suppressedFirst: readonly number[];
  /** Latest time that the first token may tell, in steps; absent: any. */
  readonly maxInitialTimestamp: number | undefined;
}

/** Seconds of one step of time tokens. */
export const TIMESTAMP_STEP_S = 0.02;

/** The token of 0 seconds; later times follow it. */
export const timestampBegin = (tokens: WhisperTokens): number => tokens.noTimestamps + 1;

/** What the decoder is given before it writes, without text that was said before. */
export function initialTokens(
  tokens: WhisperTokens,
  language: string | undefined,
  timestamps: boolean,
): number[] {
  const ids = [tokens.start];
  const spoken = language === undefined ? undefined : tokens.languages.get(language);
  if (spoken !== undefined) ids.push(spoken);
  if (tokens.transcribe !== undefined) ids.push(tokens.transcribe);
  if (!timestamps) ids.push(tokens.noTimestamps);
  return ids;
}
