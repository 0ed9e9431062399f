import type { KvCache } from '../decoder/decoder.js';
import type { GenerationRequest } from '../generation-request.js';
import { PrefixCache, type TokenPrefix } from '../prefix-cache.js';
import type { SchedulerLoad } from '../scheduling/scheduler.js';
import type { SequencePiece } from '../sequence.js';
import type { Generations } from '../threads/decoder-thread.js';

type Request = Omit<GenerationRequest, 'id'>;

interface Replica {
  readonly decoder: Generations;
  /** Which prompts it has been given, under the bound of its own prefix cache: lengths, no keys and values. */
  readonly prompts: PrefixCache<KvCache>;
  /** Tokens that its waiting and running requests may take. */
  tokens: number;
}

/** How long a prefix cache keeps what it is given; each replica has one. */
export interface PrefixBound {
  readonly bytesPerToken: number;
  readonly prefixCacheBytes: number;
}

/** An answer's length is not known before. Bounds asked for may be the whole context; they count no more than this. */
const EXPECTED_ANSWER_TOKENS = 128;

function prefixOf({ prompt: { ids, imageTokenId, images }, cacheSalt = '' }: Request): TokenPrefix {
  return { ids, imageTokenId, images, salt: cacheSalt };
}

function tokensOf({ prompt, choices }: Request): number {
  const answers = choices.map(({ maxTokens }) => Math.min(maxTokens, EXPECTED_ANSWER_TOKENS));
  return answers.reduce((sum, tokens) => sum + tokens, prompt.ids.length);
}

/**
 * Decoders of equal graphs side by side, as one. A request runs on one of them, with all its choices: on the one that
 * has the least to do until its end, what it need not run again because it keeps it not counted. So a conversation stays
 * where it is known unless others have less to do by more than its length.
 *
 * A decoder that dies takes its own requests with it. The others go on, but the set is not healthy any more.
 */
export class ReplicaSet implements Generations {
  private readonly replicas: readonly Replica[];

  constructor(decoders: readonly Generations[], { bytesPerToken, prefixCacheBytes }: PrefixBound) {
    const lengths = { bytesPerToken, truncate: (_: KvCache, length: number) => ({ length }) };
    this.replicas = decoders.map((decoder) => ({
      decoder,
      prompts: new PrefixCache<KvCache>(lengths, prefixCacheBytes),
      tokens: 0,
    }));
  }

  get isHealthy(): boolean {
    return this.replicas.every(({ decoder }) => decoder.isHealthy);
  }

  /** Sums. */
  get load(): SchedulerLoad {
    const [first, ...others] = this.replicas.map(({ decoder }) => decoder.load);
    return others.reduce(
      (sum, load) => ({
        running: sum.running + load.running,
        cachedTokens: sum.cachedTokens + load.cachedTokens,
        preemptions: sum.preemptions + load.preemptions,
        prefixQueries: sum.prefixQueries + load.prefixQueries,
        prefixHits: sum.prefixHits + load.prefixHits,
      }),
      first!,
    );
  }

  /** As one decoder does it. */
  async *generate(request: Request, signal: AbortSignal): AsyncGenerator<SequencePiece, void> {
    const prefix = prefixOf(request);
    const { replica, known } = this.choose(prefix);
    const tokens = tokensOf(request) - known;
    replica.tokens += tokens;
    replica.prompts.put(prefix, { length: prefix.ids.length });
    try {
      yield* replica.decoder.generate(request, signal);
    } finally {
      replica.tokens -= tokens;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map(({ decoder }) => decoder.close()));
  }

  private choose(prefix: TokenPrefix): { replica: Replica; known: number } {
    const alive = this.replicas.filter(({ decoder }) => decoder.isHealthy);
    // When all are dead the first one says so.
    const candidates = (alive.length > 0 ? alive : this.replicas).map((replica) => ({
      replica,
      known: replica.prompts.find(prefix)?.length ?? 0,
    }));
    const isLess = (a: (typeof candidates)[0], b: typeof a) =>
      a.replica.tokens - a.known < b.replica.tokens - b.known;
    return candidates.reduce((best, one) => (isLess(one, best) ? one : best));
  }
}
