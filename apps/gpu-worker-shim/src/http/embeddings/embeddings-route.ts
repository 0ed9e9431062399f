import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ChatRouteParts } from '../chat/chat-route.js';
import { abortOnClose, requestIdOf } from '../request-scope.js';
import { toVllmError } from '../vllm-error.js';
import { toEmbeddingJson } from './embedding-answer.js';
import { parseEmbeddingFields, toEmbeddingRequest } from './embedding-fields.js';

type EmbeddingsRouteParts = Pick<ChatRouteParts, 'models' | 'telemetry' | 'logger' | 'shutdown'>;

/** Registers `POST /v1/embeddings`. All vectors are there before the first byte is sent, so the status is true. */
export function registerEmbeddingsRoute(server: FastifyInstance, parts: EmbeddingsRouteParts): void {
  server.post('/v1/embeddings', async (request, reply) => {
    const signal = abortOnClose(reply, parts.shutdown);
    const fields = parseEmbeddingFields(request.body);
    const model = parts.models.findEmbedding(fields.model);
    const requestId = requestIdOf(request, fields.request_id);
    const telemetry = parts.telemetry.request(model.id);
    try {
      const answer = await model.embed(toEmbeddingRequest(fields, model.maxModelLen), signal);
      telemetry.tokens(answer.promptTokens, 0);
      telemetry.choiceEnded('stop');
      telemetry.ended('ok');
      const head = { id: `embd-${requestId}`, created: Math.floor(Date.now() / 1000), model: model.id };
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(Readable.from(toEmbeddingJson(head, answer, fields), { objectMode: false }));
    } catch (error) {
      const body = toVllmError(error);
      if (signal.aborted) {
        telemetry.ended('abort');
      } else if (body.error.code === 500) {
        telemetry.ended('error');
        parts.logger.error({ err: error, requestId }, 'request failed');
      }
      return reply.code(body.error.code).send(body);
    }
  });
}
