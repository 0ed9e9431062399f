import type { Decoder, DecoderRow, KvCache } from '../decoder/decoder.js';
import { PrefixCache, type TokenPrefix } from '../prefix-cache.js';
import { SamplerScratch } from '../sampling/sampler.js';
import { Sequence } from '../sequence.js';
import type { TokenBytes } from '../text/token-text.js';
import { Prefill } from './prefill.js';
import type { Job, StartedPrompt } from './prompt-queue.js';

/** Begins prompts: makes their sequences, and a prefill behind what the prefix cache knows of them. */
export class PromptBeginnings<Cache extends KvCache, Row extends DecoderRow> {
  private readonly prefixes: PrefixCache<Cache>;
  private readonly scratch: SamplerScratch;

  /** @param prefixCacheBytes for keys and values that are kept after their sequences ended */
  constructor(
    private readonly decoder: Decoder<Cache, Row>,
    private readonly tokens: TokenBytes,
    prefixCacheBytes: number,
  ) {
    this.prefixes = new PrefixCache(decoder, prefixCacheBytes);
    this.scratch = new SamplerScratch(decoder.vocabularySize);
  }

  /** Tokens that were looked up in the prefix cache, and that were found, since the start. */
  get counts(): { readonly prefixQueries: number; readonly prefixHits: number } {
    return { prefixQueries: this.prefixes.queries, prefixHits: this.prefixes.hits };
  }

  /** Tokens of a prompt that are to be run if it begins now. */
  tokensToRun(job: Job): number {
    return job.ids.length - (usesPrefixes(job) ? this.prefixes.foresee(prefixOf(job)) : 0);
  }

  /** Throws `INVALID_REQUEST` when an answer to go on with has ended, and whatever the decoder throws. */
  begin(job: Job): StartedPrompt<Cache, Row> {
    const { request, ids, tokensTold } = job;
    const sequences = job.sequences ?? this.createSequences(job);
    const known = usesPrefixes(job) ? this.prefixes.find(prefixOf(job)) : undefined;
    const alternatives = alternativesOf(job);
    const prefill = new Prefill(request.prompt, ids, known, this.decoder, alternatives, tokensTold);
    return { sequences, prefill };
  }

  /** Keeps what has been run of a job: `ids`, if it is not its own. */
  keep(job: Job, cache: () => Cache, ids = job.ids): void {
    const prefix = prefixOf(job, ids);
    if (!this.prefixes.has(prefix)) this.prefixes.put(prefix, cache());
  }

  private createSequences({ request: { choices, prompt, answerIds = [] } }: Job): Sequence[] {
    return choices.map((settings, index) => {
      const sequence = new Sequence(index, settings, prompt.ids, this.tokens, this.scratch);
      sequence.resume(answerIds);
      return sequence;
    });
  }
}

/** How many alternatives to the prompt's own tokens are to be told. A sequence that had to make room has told of them. */
const alternativesOf = ({ sequences, request }: Job): number | undefined =>
  sequences === undefined ? request.promptLogprobs : undefined;

/** What is cached has no logits any more. */
const usesPrefixes = (job: Job): boolean => alternativesOf(job) === undefined;

function prefixOf({ request, ids: own }: Job, ids = own): TokenPrefix {
  const { imageTokenId, images } = request.prompt;
  return { ids, imageTokenId, images, salt: request.cacheSalt ?? '' };
}
