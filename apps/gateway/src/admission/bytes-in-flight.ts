import { FoveaError } from '@fovea/errors';

/** Accept or refuse, and why. A value, not an exception: saying no is an everyday answer. */
export type Verdict = { readonly admitted: true } | { readonly admitted: false; readonly error: FoveaError };

/** Bytes a request holds on to until it is released. */
export interface ByteGrant {
  /** Makes the grant at least that large in all; it never shrinks. A refusal leaves it as it was. */
  cover(bytes: number): Verdict;
  /** Gives everything back, once; later calls do nothing. */
  release(): void;
}

export interface BytesInFlightLimits {
  readonly maxBytesInFlight: number;
  readonly maxBytesInFlightPerTenant: number;
}

export const admitted: Verdict = { admitted: true };
const RETRY_AFTER_S = 2;

/** Counts the bytes of uploads of this process, all together and by tenant, and keeps both under their bounds. */
export class BytesInFlight {
  #total = 0;
  /** Only tenants that upload at the moment. */
  readonly #byTenant = new Map<string, number>();

  constructor(
    private readonly limits: BytesInFlightLimits,
    private readonly onChange: (total: number) => void,
  ) {}

  /** An empty grant. Every grant must be released. */
  open(tenant: string): ByteGrant {
    let held = 0;
    let isOpen = true;
    return {
      cover: (bytes) => {
        const more = bytes - held;
        if (!isOpen || more <= 0) return admitted;
        const verdict = this.#judge(tenant, more);
        if (!verdict.admitted) return verdict;
        held = bytes;
        this.#add(tenant, more);
        return admitted;
      },
      release: () => {
        if (isOpen && held > 0) this.#add(tenant, -held);
        isOpen = false;
      },
    };
  }

  #judge(tenant: string, more: number): Verdict {
    const { maxBytesInFlight, maxBytesInFlightPerTenant } = this.limits;
    if ((this.#byTenant.get(tenant) ?? 0) + more > maxBytesInFlightPerTenant)
      return refused('RATE_LIMITED', 'max_bytes_in_flight_per_tenant', maxBytesInFlightPerTenant);
    if (this.#total + more > maxBytesInFlight)
      return refused('QUEUE_FULL', 'max_bytes_in_flight', maxBytesInFlight);
    return admitted;
  }

  #add(tenant: string, bytes: number): void {
    this.#total += bytes;
    const ofTenant = (this.#byTenant.get(tenant) ?? 0) + bytes;
    if (ofTenant === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, ofTenant);
    this.onChange(this.#total);
  }
}

function refused(code: 'RATE_LIMITED' | 'QUEUE_FULL', name: string, value: number): Verdict {
  const error = new FoveaError(code, {
    message: 'Too many bytes are being uploaded at the moment.',
    limit: { name, value },
    retryAfterS: RETRY_AFTER_S,
  });
  return { admitted: false, error };
}
