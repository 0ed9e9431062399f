import type { AcceptedRequest } from '../requests/accepted-request.js';
import type { Sampling } from './sampling.js';

/** An accepted request that makes tokens. */
export interface GenerationRequest extends AcceptedRequest {
  readonly sampling: Sampling;
}
