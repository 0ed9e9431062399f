import { FoveaError } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import type { Lane } from '@fovea/schemas/jobs';
import { takenOutOfUse } from '../delivery/taken-out-of-use.js';
import { tooLarge } from '../ingest/too-large.js';
import {
  admitted,
  type ByteGrant,
  BytesInFlight,
  type BytesInFlightLimits,
  type Verdict,
} from './bytes-in-flight.js';

export interface AdmissionLimits extends BytesInFlightLimits {
  readonly maxBodyBytes: number;
  readonly maxWaitingJobsPerLane: number;
}

/** What the headers tell of a body. */
export interface AnnouncedBody {
  /** `Content-Length`; absent for a body in chunks. */
  readonly declaredBytes: number | undefined;
  /** What unpacking it takes besides: the memory of its decoders. */
  readonly decoderBytes: number;
}

/** The grant is the caller's to release. */
export type BodyVerdict =
  | { readonly admitted: true; readonly grant: ByteGrant }
  | { readonly admitted: false; readonly error: FoveaError };

const RETRY_QUEUE_S = 5;
/** A person takes lanes out of use and back; nobody knows when. */
const RETRY_TAKEN_OUT_S = 30;

/**
 * Says no early. Stage 1 knows headers only (declared size, bytes in flight per process and tenant); stage 2 knows the
 * model (depth of its lane).
 */
export class Admission {
  readonly #bytes: BytesInFlight;

  constructor(
    private readonly queue: JobQueue,
    private readonly limits: AdmissionLimits,
    onBytesInFlight: (total: number) => void = () => {},
  ) {
    this.#bytes = new BytesInFlight(limits, onBytesInFlight);
  }

  /** Reserves what is declared; a body of unknown length grows its grant as it arrives. */
  admitBody(tenant: string, body: AnnouncedBody): BodyVerdict {
    const { declaredBytes = 0, decoderBytes } = body;
    if (declaredBytes > this.limits.maxBodyBytes)
      return { admitted: false, error: tooLarge(this.limits.maxBodyBytes, declaredBytes) };
    const grant = this.#bytes.open(tenant);
    const verdict = grant.cover(declaredBytes + decoderBytes);
    return verdict.admitted ? { admitted: true, grant } : verdict;
  }

  async admitJob(lane: Lane): Promise<Verdict> {
    const { waiting, state } = await this.queue.depth(lane);
    if (state === 'draining' || state === 'closed')
      return { admitted: false, error: takenOutOfUse(RETRY_TAKEN_OUT_S) };
    const value = this.limits.maxWaitingJobsPerLane;
    if (waiting < value) return admitted;
    const limit = { name: 'max_waiting_jobs_per_lane', value, actual: waiting };
    return { admitted: false, error: new FoveaError('QUEUE_FULL', { limit, retryAfterS: RETRY_QUEUE_S }) };
  }
}
