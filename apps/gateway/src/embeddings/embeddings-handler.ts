import {
  type EmbeddingsRequestWire,
  embeddingsRequestSchema,
  MAX_EMBEDDING_INPUTS,
} from '@fovea/schemas/http';
import type { EmbedInputs } from '@fovea/schemas/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mediaPlaces } from '../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';
import { beginAnswer } from '../tasks/begin-answer.js';
import { requireAtMost } from '../tasks/refusals.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { TaskRoute } from '../tasks/task-route.js';
import { sendJsonPieces } from './send-json-pieces.js';
import type { SubmitEmbedding } from './submit-embedding.js';
import { collectVectors, toNumbers } from './vectors.js';

const noMedia = mediaPlaces([]);

/** `POST /embeddings`, OpenAI's form. */
export class EmbeddingsHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly embedding: SubmitEmbedding,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, noMedia),
      accept: async ({ value }, asker) => {
        const present = withoutNulls(value);
        const wire = parseEmbeddings(present);
        const inputsFor = () => toInputs(wire.input);
        const { dimensions } = wire;
        const accepted = await this.embedding.submit({ model: wire.model, inputsFor, dimensions }, asker);
        return { ...accepted, wire, ignored: unknownKeys(present) };
      },
      answer: async ({ wire, inputs, entries, ignored, model }, _exchange, telemetry) => {
        const begun = await beginAnswer(entries);
        const { queueTimeMs } = begun;
        telemetry.firstOutput(queueTimeMs);
        const { vectors, end } = await collectVectors(begun, inputs);
        setAnswerHeaders(reply, { ignored, queueTimeMs });
        const { promptTokens } = end.usage;
        const tail = { model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } };
        const isBase64 = wire.encoding_format === 'base64';
        await sendJsonPieces(
          reply,
          { object: 'list', data: [], ...tail },
          'data',
          vectors,
          (vector, index) => ({
            object: 'embedding',
            index,
            embedding: isBase64 ? vector : toNumbers(vector),
          }),
        );
        return { status: 200, usage: end.usage, queueTimeMs, error: undefined };
      },
    });
  }
}

/** Throws `INVALID_REQUEST` with the path of the first field that is wrong. */
export function parseEmbeddings(value: unknown): EmbeddingsRequestWire {
  const { input } = Object(value) as { input?: unknown };
  const isPrompt = Array.isArray(input) && typeof input[0] === 'number';
  if (!isPrompt) {
    requireAtMost(input, { name: 'max_embedding_inputs', value: MAX_EMBEDDING_INPUTS }, 'input');
  }
  return parseRequest(embeddingsRequestSchema, value);
}

function toInputs(input: EmbeddingsRequestWire['input']): EmbedInputs {
  if (typeof input === 'string') return [input];
  const [first] = input;
  return typeof first === 'number' ? [input as number[]] : (input as EmbedInputs);
}

function unknownKeys(value: unknown): string[] {
  const known = new Set(Object.keys(embeddingsRequestSchema.shape));
  return Object.keys(value as object).filter((key) => !known.has(key));
}
