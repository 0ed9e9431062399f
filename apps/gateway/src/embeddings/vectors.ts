import { FoveaError } from '@fovea/errors';
import type { GenerationEnd } from '@fovea/schemas/events';
import { type BegunAnswer, collectEvents } from '../tasks/begin-answer.js';

/** Collects the vectors of a job, in the order of its inputs: little-endian float32 values, base64. */
export async function collectVectors(
  { entries }: Pick<BegunAnswer, 'entries'>,
  inputs: number,
): Promise<{ readonly vectors: readonly string[]; readonly end: GenerationEnd }> {
  const vectors: (string | undefined)[] = new Array(inputs).fill(undefined);
  const end = await collectEvents(entries, (event) => {
    if (event.type === 'embedding') vectors[event.index] = event.vector;
  });
  const complete = vectors.filter((vector) => vector !== undefined);
  if (complete.length === inputs && vectors.length === inputs) return { vectors: complete, end };
  throw new FoveaError('INTERNAL', { detail: `${complete.length} vectors for ${inputs} inputs` });
}

/** The values of a vector. */
export function toNumbers(vector: string): number[] {
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}

/** The vector of the same direction and the length 1; one without direction stays as it is. */
export function normalised(values: readonly number[]): number[] {
  const length = Math.hypot(...values);
  return length === 0 ? [...values] : values.map((value) => value / length);
}
