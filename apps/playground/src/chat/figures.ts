import { count, duration } from '../page/quantities.js';

/** When things happened, in milliseconds of one clock, and what the answer says about itself. */
export interface Course {
  readonly sentAtMs: number;
  firstTextAtMs?: number;
  lastTextAtMs?: number;
  promptTokens?: number;
  completionTokens?: number;
  queueTimeMs?: number;
}

/** A number with what it counts. */
export interface Figure {
  readonly value: string;
  readonly name: string;
}

/** What came in less time came in one piece somewhere on the way, and tells nothing about the speed of the model. */
const LEAST_MEASURED_S = 0.03;

/** Time to first token, tokens per second after it (the first one is not counted: it waited for the prompt), totals. */
export function figuresOf(course: Course): Figure[] {
  const { sentAtMs, firstTextAtMs, lastTextAtMs, promptTokens, completionTokens, queueTimeMs } = course;
  const figures: Figure[] = [];
  if (firstTextAtMs !== undefined) {
    figures.push({ value: duration(firstTextAtMs - sentAtMs), name: 'to first token' });
  }
  if (firstTextAtMs !== undefined && lastTextAtMs !== undefined && completionTokens !== undefined) {
    const seconds = (lastTextAtMs - firstTextAtMs) / 1000;
    if (completionTokens > 1 && seconds >= LEAST_MEASURED_S) {
      const rate = (completionTokens - 1) / seconds;
      figures.push({ value: rate < 10 ? rate.toFixed(1) : count(rate), name: 'tokens/s' });
    }
  }
  if (promptTokens !== undefined) figures.push({ value: count(promptTokens), name: 'tokens in' });
  if (completionTokens !== undefined) figures.push({ value: count(completionTokens), name: 'tokens out' });
  if (queueTimeMs !== undefined) figures.push({ value: duration(queueTimeMs), name: 'queued' });
  return figures;
}
