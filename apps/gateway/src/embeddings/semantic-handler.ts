import { FoveaError } from '@fovea/errors';
import type { ModelListing } from '@fovea/model-registry';
import {
  type BatchSemanticEmbedRequestWire,
  batchSemanticEmbedRequestSchema,
  MAX_BATCH_PROMPTS,
  type PromptWire,
  type SemanticEmbedRequestWire,
  semanticEmbedRequestSchema,
} from '@fovea/schemas/http';
import type { EmbedInputs } from '@fovea/schemas/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mediaPlaces } from '../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';
import { beginAnswer } from '../tasks/begin-answer.js';
import { requireAtMost } from '../tasks/refusals.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { TaskRoute } from '../tasks/task-route.js';
import { toEmbedInput } from './prompt-input.js';
import { sendJsonPieces } from './send-json-pieces.js';
import type { SubmitEmbedding } from './submit-embedding.js';
import { collectVectors, normalised, toNumbers } from './vectors.js';

const noMedia = mediaPlaces([]);

type SemanticWire = Omit<SemanticEmbedRequestWire, 'prompt'>;

/** `POST /semantic_embed` and `POST /batch_semantic_embed`: vectors of prompts, by what they are for. */
export class SemanticHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly embedding: SubmitEmbedding,
  ) {}

  one(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.#run(request, reply, (value) => {
      const wire: SemanticEmbedRequestWire = parseRequest(semanticEmbedRequestSchema, value);
      return { wire, prompts: [[wire.prompt, 'prompt']], listKey: 'embedding' };
    });
  }

  batch(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.#run(request, reply, (value) => {
      const wire = parseBatch(value);
      const prompts = wire.prompts.map((prompt, at) => [prompt, `prompts[${at}]`] as const);
      return { wire, prompts, listKey: 'embeddings' };
    });
  }

  #run(request: FastifyRequest, reply: FastifyReply, parse: (value: unknown) => Parsed): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, noMedia),
      accept: async ({ value }, asker) => {
        const parsed = parse(withoutNulls(value));
        const { model, compress_to_size: dimensions } = parsed.wire;
        const inputsFor = (listing: ModelListing) => toInputs(parsed, listing);
        return { ...(await this.embedding.submit({ model, inputsFor, dimensions }, asker)), parsed };
      },
      answer: async ({ parsed, inputs, entries, listing }, _exchange, telemetry) => {
        const begun = await beginAnswer(entries);
        const { queueTimeMs } = begun;
        telemetry.firstOutput(queueTimeMs);
        const { vectors, end } = await collectVectors(begun, inputs);
        setAnswerHeaders(reply, { ignored: [], queueTimeMs });
        await this.#send(reply, parsed, vectors, {
          model_version: `${listing.package.version}`,
          num_tokens_prompt_total: end.usage.promptTokens,
        });
        return { status: 200, usage: end.usage, queueTimeMs, error: undefined };
      },
    });
  }

  async #send(
    reply: FastifyReply,
    { wire, listKey }: Parsed,
    vectors: readonly string[],
    counted: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const toWire = (vector: string): number[] =>
      wire.normalize === true ? normalised(toNumbers(vector)) : toNumbers(vector);
    const frame = { ...counted, [listKey]: [] };
    if (listKey === 'embeddings') return sendJsonPieces(reply, frame, listKey, vectors, toWire);
    const [vector = ''] = vectors;
    reply.code(200).header('content-type', 'application/json; charset=utf-8');
    await reply.send(JSON.stringify({ ...counted, embedding: toWire(vector) }));
  }
}

interface Parsed {
  readonly wire: SemanticWire;
  /** Each with its path. */
  readonly prompts: readonly (readonly [PromptWire, string])[];
  readonly listKey: 'embedding' | 'embeddings';
}

/** Throws `INVALID_REQUEST` with the path of the first field that is wrong. */
export function parseBatch(value: unknown): BatchSemanticEmbedRequestWire {
  const { prompts } = Object(value) as { prompts?: unknown };
  requireAtMost(prompts, { name: 'max_batch_prompts', value: MAX_BATCH_PROMPTS }, 'prompts');
  return parseRequest(batchSemanticEmbedRequestSchema, value);
}

/** All as texts or all as token ids: the prompts of one call are alike. */
function toInputs({ wire, prompts }: Parsed, { model }: ModelListing): EmbedInputs {
  const prefix = model.embeddingPrefixes?.[wire.representation] ?? '';
  const inputs = prompts.map(([prompt, path]) => toEmbedInput(prompt, path, prefix));
  const texts = inputs.filter((input) => typeof input === 'string');
  if (texts.length === inputs.length) return texts;
  const ids = inputs.filter((input) => typeof input !== 'string');
  if (ids.length === inputs.length) return ids;
  throw new FoveaError('INVALID_REQUEST', {
    message: 'prompts: either all are texts or all are token ids.',
    param: 'prompts',
  });
}
