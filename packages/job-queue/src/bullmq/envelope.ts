import { FoveaError } from '@fovea/errors';
import { type InferenceJob, inferenceJobSchema, type Lane, MAX_ENVELOPE_BYTES } from '@fovea/schemas/jobs';

/** A job whose envelope this version cannot read. It is settled, because handing it out again would loop. */
export interface UnreadableJob {
  readonly lane: Lane;
  readonly requestId: string;
  /** What is wrong, without the envelope's text. */
  readonly reason: string;
}

/** Checks and serialises an envelope. Throws `INTERNAL`: a wrong or oversized envelope is a bug of the caller. */
export function serializeEnvelope(lane: Lane, job: InferenceJob): string {
  const checked = inferenceJobSchema.safeParse(job);
  if (!checked.success) {
    const detail = `the envelope of ${job.id} is not valid: ${describeIssues(checked.error.issues)}`;
    throw new FoveaError('INTERNAL', { detail });
  }
  if (job.checkpoint !== lane.checkpoint || job.lane !== lane.kind) {
    throw new FoveaError('INTERNAL', { detail: `the envelope of ${job.id} names another lane` });
  }
  const text = JSON.stringify(checked.data);
  const byteLength = Buffer.byteLength(text);
  if (byteLength > MAX_ENVELOPE_BYTES) {
    const detail = `the envelope of ${job.id} has ${byteLength} bytes, more than ${MAX_ENVELOPE_BYTES}`;
    throw new FoveaError('INTERNAL', { detail });
  }
  return text;
}

/** The job, or the reason why it cannot be read. */
export function parseEnvelope(requestId: string, text: string): InferenceJob | string {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return 'the envelope is not JSON';
  }
  const parsed = inferenceJobSchema.safeParse(envelope);
  if (!parsed.success) return describeIssues(parsed.error.issues);
  return parsed.data.id === requestId ? parsed.data : 'the envelope names another request';
}

/** Paths and rules only: values could be text of a client. */
function describeIssues(issues: readonly { readonly path: PropertyKey[]; readonly code: string }[]): string {
  return issues.map(({ path, code }) => `${path.map(String).join('.') || '(root)'}: ${code}`).join(', ');
}
