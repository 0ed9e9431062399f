import type { Prompt, Sampling } from '../generation/sampling.js';
import type { VllmError } from '../http/vllm-error.js';
import type { SeenImage } from '../media/seen-image.js';

/** What every route hands to the engine once a request has passed its checks. */
export interface AcceptedRequest {
  readonly stream: boolean;
  /** The id in the body; the header's wins over it. */
  readonly requestId: string | undefined;
  /** Name the reply carries. */
  readonly model: string;
  readonly images: readonly SeenImage[];
  /** What scripts match: the last user text, the prompt, the query. */
  readonly lastUserText: string;
  readonly prompt: Prompt;
  readonly cacheSalt: string | undefined;
  /** Set when vLLM would find the fault only inside the engine: a stream then begins with the error. */
  readonly engineRefusal: VllmError | undefined;
  /** Undefined for requests that make no tokens. */
  readonly sampling?: Sampling | undefined;
  /** Everything but messages, prompt, input and documents, as it came. */
  readonly parameters: Readonly<Record<string, unknown>>;
}
