import { FoveaError } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import type { Lane } from '@fovea/schemas/jobs';
import { tooLarge } from '../ingest/too-large.js';

/** Accept or refuse, and why. A value, not an exception: saying no is an everyday answer. */
export type Verdict = { readonly admitted: true } | { readonly admitted: false; readonly error: FoveaError };

export interface AdmissionLimits {
  readonly maxBodyBytes: number;
  readonly maxBytesInFlight: number;
  readonly maxBytesInFlightPerTenant: number;
  readonly maxWaitingJobsPerLane: number;
}

/** Bytes a request holds on to until it is released. */
export interface ByteGrant {
  release(): void;
}

const admitted: Verdict = { admitted: true };
const RETRY_BYTES_S = 2;
const RETRY_QUEUE_S = 5;

/**
 * Says no early. Stage 1 knows headers only (declared size, bytes in flight per process and tenant); stage 2 knows the
 * model (depth of its lane).
 */
export class Admission {
  #inFlight = 0;
  readonly #inFlightByTenant = new Map<string, number>();

  constructor(
    private readonly queue: JobQueue,
    private readonly limits: AdmissionLimits,
  ) {}

  /** A body without a declared length counts as the largest one allowed. */
  admitBody(tenant: string, contentLength: number | undefined): Verdict & { readonly grant?: ByteGrant } {
    const bytes = contentLength ?? this.limits.maxBodyBytes;
    if (bytes > this.limits.maxBodyBytes)
      return { admitted: false, error: tooLarge(this.limits.maxBodyBytes, bytes) };
    const ofTenant = this.#inFlightByTenant.get(tenant) ?? 0;
    if (ofTenant + bytes > this.limits.maxBytesInFlightPerTenant) {
      return refused('RATE_LIMITED', 'max_bytes_in_flight_per_tenant', this.limits.maxBytesInFlightPerTenant);
    }
    if (this.#inFlight + bytes > this.limits.maxBytesInFlight) {
      return refused('QUEUE_FULL', 'max_bytes_in_flight', this.limits.maxBytesInFlight);
    }
    return { ...admitted, grant: this.#grant(tenant, bytes) };
  }

  async admitJob(lane: Lane): Promise<Verdict> {
    const { waiting } = await this.queue.depth(lane);
    const value = this.limits.maxWaitingJobsPerLane;
    if (waiting < value) return admitted;
    const limit = { name: 'max_waiting_jobs_per_lane', value, actual: waiting };
    return { admitted: false, error: new FoveaError('QUEUE_FULL', { limit, retryAfterS: RETRY_QUEUE_S }) };
  }

  #grant(tenant: string, bytes: number): ByteGrant {
    this.#add(tenant, bytes);
    let held = true;
    return {
      release: () => {
        if (held) this.#add(tenant, -bytes);
        held = false;
      },
    };
  }

  #add(tenant: string, bytes: number): void {
    this.#inFlight += bytes;
    const ofTenant = (this.#inFlightByTenant.get(tenant) ?? 0) + bytes;
    if (ofTenant === 0) this.#inFlightByTenant.delete(tenant);
    else this.#inFlightByTenant.set(tenant, ofTenant);
  }
}

function refused(code: 'RATE_LIMITED' | 'QUEUE_FULL', name: string, value: number): Verdict {
  const error = new FoveaError(code, {
    message: 'Too many bytes are being uploaded at the moment.',
    limit: { name, value },
    retryAfterS: RETRY_BYTES_S,
  });
  return { admitted: false, error };
}
