import { createHash } from 'node:crypto';
import type { InferenceJob } from '@fovea/schemas/jobs';

/**
 * Sha256, hex, of what makes a request the same request: who asks which model, the content, the images by their
 * digests, and how the answer is sampled. Not its id or its time.
 */
export function fingerprintOf(
  { tenant, model, blobs }: Pick<InferenceJob, 'tenant' | 'model' | 'blobs'>,
  content: Buffer,
  rest: unknown,
): string {
  const about = [tenant, model, blobs.map(({ name }) => name), rest];
  // A length in front keeps the two texts apart.
  const head = JSON.stringify(about);
  return createHash('sha256').update(`${head.length}:${head}`).update(content).digest('hex');
}
