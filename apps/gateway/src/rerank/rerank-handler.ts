import { FoveaError } from '@fovea/errors';
import {
  MAX_RERANK_DOCUMENTS,
  type RerankAnswerWire,
  type RerankRequestWire,
  rerankRequestSchema,
} from '@fovea/schemas/http';
import type { RerankTask } from '@fovea/schemas/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mediaPlaces } from '../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';
import { beginAnswer, collectEvents } from '../tasks/begin-answer.js';
import { type ModelDirectory, requireOffer, requireWorker } from '../tasks/model-directory.js';
import { requireAtMost } from '../tasks/refusals.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { SubmitJob } from '../tasks/submit-job.js';
import type { TaskRoute } from '../tasks/task-route.js';

const noMedia = mediaPlaces([]);

/** `POST /rerank`: how well each document fits a query, the best first. */
export class RerankHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly models: ModelDirectory,
    private readonly jobs: SubmitJob,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, noMedia),
      accept: async ({ value }, asker) => {
        const wire = parseRerank(withoutNulls(value));
        const listing = await this.models.find(wire.model);
        requireOffer(listing, 'rerank');
        requireWorker(listing);
        const { documents } = wire;
        const short = { kind: 'rerank' as const, query: wire.query };
        const content = Buffer.from(JSON.stringify(documents));
        const toTask = (blob: number | undefined): RerankTask => ({
          ...short,
          documents: blob === undefined ? documents : { blob },
        });
        const work = { listing, lane: 'embed' as const, blobs: [], content, short, toTask };
        const entries = await this.jobs.submit(work, asker);
        return { wire, entries, model: listing.model.name, images: 0 };
      },
      answer: async ({ wire, entries }, _exchange, telemetry) => {
        const begun = await beginAnswer(entries);
        const { queueTimeMs } = begun;
        telemetry.firstOutput(queueTimeMs);
        const scores: number[] = [];
        const end = await collectEvents(begun.entries, (event) => {
          if (event.type === 'score') scores[event.index] = event.score;
        });
        setAnswerHeaders(reply, { ignored: [], queueTimeMs });
        const { promptTokens } = end.usage;
        const body: RerankAnswerWire = {
          results: ranked(scores, wire.documents.length).slice(0, wire.top_n),
          usage: { prompt_tokens: promptTokens, completion_tokens: 0, total_tokens: promptTokens },
        };
        reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
        return { status: 200, usage: end.usage, queueTimeMs, error: undefined };
      },
    });
  }
}

/** Throws `INVALID_REQUEST` with the path of the first field that is wrong. */
export function parseRerank(value: unknown): RerankRequestWire {
  const { documents } = Object(value) as { documents?: unknown };
  requireAtMost(documents, { name: 'max_rerank_documents', value: MAX_RERANK_DOCUMENTS }, 'documents');
  return parseRequest(rerankRequestSchema, value);
}

function ranked(scores: readonly number[], documents: number): RerankAnswerWire['results'] {
  const found = Object.keys(scores).length;
  if (found !== documents) {
    throw new FoveaError('INTERNAL', { detail: `${found} scores for ${documents} documents` });
  }
  return scores
    .map((score, index) => ({ index, relevance_score: score }))
    .sort((left, right) => right.relevance_score - left.relevance_score);
}
