import type { Backend, EmbedAnswer, EmbedRequest, RerankAnswer, RerankRequest } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import type { BatchKind } from './batcher.js';
import { shareTokens } from './share-tokens.js';

/** The part of a list that belongs to the job at a place, when each job has so many. */
function partOf<T>(all: readonly T[], counts: readonly number[], at: number): readonly T[] {
  const before = counts.slice(0, at).reduce((sum, count) => sum + count, 0);
  return all.slice(before, before + (counts[at] ?? 0));
}

/** The engine disliked what it was sent, so it may like a part of it. */
const isRefusal = (error: unknown): boolean =>
  FoveaError.isInstance(error) && error.status >= 400 && error.status < 500 && error.code !== 'UNKNOWN_MODEL';

/** Embedding jobs: those of one model and one length of vectors share a call. */
export const embedKind = (backend: Backend): BatchKind<EmbedRequest, EmbedAnswer> => ({
  keyOf: ({ model, dimensions, inputs }) => JSON.stringify([model, dimensions, typeof inputs[0]]),
  inputsOf: ({ inputs }) => inputs.length,
  join: (requests) => ({ ...requests[0], inputs: requests.flatMap(({ inputs }) => inputs) }),
  share: ({ vectors, promptTokens }, requests, at) => {
    const texts = requests.map(({ inputs }) => inputs);
    return {
      vectors: partOf(
        vectors,
        texts.map(({ length }) => length),
        at,
      ),
      promptTokens: shareTokens(promptTokens, texts, at),
    };
  },
  mayRepeatAlone: isRefusal,
  call: (request, signal) => backend.embed(request, signal),
});

const queriesOf = ({ query, documents }: RerankRequest): readonly string[] =>
  typeof query === 'string' ? documents.map(() => query) : query;

/**
 * Rerank jobs: those of one model share a call, as pairs of query and document. An engine that scores no pairs fails such
 * a call as it would any; each job is then asked for alone, on the route that every engine has.
 */
export const rerankKind = (backend: Backend): BatchKind<RerankRequest, RerankAnswer> => ({
  keyOf: ({ model }) => model,
  inputsOf: ({ documents }) => documents.length,
  join: (requests) => ({
    ...requests[0],
    query: requests.flatMap(queriesOf),
    documents: requests.flatMap(({ documents }) => documents),
  }),
  share: ({ scores, promptTokens }, requests, at) => {
    const texts = requests.map((request) => [...queriesOf(request), ...request.documents]);
    return {
      scores: partOf(
        scores,
        requests.map(({ documents }) => documents.length),
        at,
      ),
      promptTokens: shareTokens(promptTokens, texts, at),
    };
  },
  mayRepeatAlone: (error) =>
    isRefusal(error) || (FoveaError.isInstance(error) && error.code === 'BACKEND_ERROR'),
  call: (request, signal) => backend.rerank(request, signal),
});
