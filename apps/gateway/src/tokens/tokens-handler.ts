import type { GenerationEvent, Usage } from '@fovea/schemas/events';
import {
  detokenizeRequestSchema,
  type TokenizeAnswerWire,
  type TokenizeRequestWire,
  tokenizeRequestSchema,
} from '@fovea/schemas/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mediaPlaces } from '../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';
import { beginAnswer, collectEvents } from '../tasks/begin-answer.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { RequestResult, RequestTelemetry } from '../tasks/request-telemetry.js';
import type { Asker } from '../tasks/submit-job.js';
import type { TaskRoute } from '../tasks/task-route.js';
import type { AcceptedTokens, SubmitTokens } from './submit-tokens.js';

const noMedia = mediaPlaces([]);

interface Question extends AcceptedTokens {
  /** The answer's body. */
  toWire(events: readonly GenerationEvent[]): unknown;
}

/** `POST /tokenize` and `POST /detokenize`. */
export class TokensHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly tokens: SubmitTokens,
  ) {}

  tokenize(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.#run(request, reply, async (value, asker) => {
      const wire = parseRequest(tokenizeRequestSchema, value);
      const { model, prompt } = wire;
      const accepted = await this.tokens.submit(
        {
          model,
          kind: 'tokenize',
          content: Buffer.from(prompt),
          mediaType: 'text/plain',
          toTask: (blob) => ({ kind: 'tokenize', text: blob === undefined ? prompt : { blob } }),
        },
        asker,
      );
      return { ...accepted, toWire: (events) => toTokenizeAnswer(events, wire) };
    });
  }

  detokenize(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.#run(request, reply, async (value, asker) => {
      const { model, token_ids: tokenIds } = parseRequest(detokenizeRequestSchema, value);
      const accepted = await this.tokens.submit(
        {
          model,
          kind: 'detokenize',
          content: Buffer.from(JSON.stringify(tokenIds)),
          toTask: (blob) => ({ kind: 'detokenize', tokenIds: blob === undefined ? tokenIds : { blob } }),
        },
        asker,
      );
      return { ...accepted, toWire: (events) => ({ result: textOf(events) }) };
    });
  }

  #run(
    request: FastifyRequest,
    reply: FastifyReply,
    accept: (value: unknown, asker: Asker) => Promise<Question>,
  ): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, noMedia),
      accept: ({ value }, asker) => accept(withoutNulls(value), asker),
      answer: (question, _exchange, telemetry) => answer(reply, question, telemetry),
    });
  }
}

async function answer(
  reply: FastifyReply,
  { entries, toWire }: Question,
  telemetry: RequestTelemetry,
): Promise<RequestResult> {
  const begun = await beginAnswer(entries);
  const { queueTimeMs } = begun;
  telemetry.firstOutput(queueTimeMs);
  const events: GenerationEvent[] = [];
  const { usage }: { usage: Usage } = await collectEvents(begun.entries, (event) => events.push(event));
  setAnswerHeaders(reply, { ignored: [], queueTimeMs });
  reply.code(200).header('content-type', 'application/json; charset=utf-8');
  reply.send(JSON.stringify(toWire(events)));
  return { status: 200, usage, queueTimeMs, error: undefined };
}

const textOf = (events: readonly GenerationEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

/** An engine that does not spell its tokens leaves `tokens` out. */
function toTokenizeAnswer(events: readonly GenerationEvent[], wire: TokenizeRequestWire): TokenizeAnswerWire {
  const parts = events.filter((event) => event.type === 'tokens');
  const areSpelled = parts.every(({ tokens }) => tokens !== undefined);
  return {
    ...(wire.tokens && areSpelled ? { tokens: parts.flatMap(({ tokens }) => tokens ?? []) } : {}),
    ...(wire.token_ids ? { token_ids: parts.flatMap(({ tokenIds }) => tokenIds) } : {}),
  };
}
