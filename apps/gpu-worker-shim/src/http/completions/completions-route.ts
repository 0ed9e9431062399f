import type { FastifyInstance } from 'fastify';
import type { CompletionModel, CompletionRequest } from '../../models/completion-model.js';
import type { RequestTelemetry } from '../../telemetry/shim-telemetry.js';
import { takenImages } from '../bodies/json-bodies.js';
import type { ChatRouteParts } from '../chat/chat-route.js';
import { sendAnswer } from '../generation/send-answer.js';
import { ImageUrls } from '../media/image-urls.js';
import { abortOnClose, requestIdOf } from '../request-scope.js';
import { parseCompletionFields } from './completion-fields.js';
import {
  assertCompletionRules,
  type CompletionForm,
  toCompletionForm,
  toCompletionRequests,
} from './completion-request.js';
import { CompletionWriter } from './completion-writer.js';
import { mergePieces } from './merge-pieces.js';
import { type CompletionPiece, PromptPieces } from './prompt-pieces.js';

/** Prompts of one request that run at a time: a long list must not take all places from others. */
const PROMPTS_TOGETHER = 4;

/** A signal that also ends when the work on the request does. */
interface Scope {
  readonly signal: AbortSignal;
  end(): void;
}

function scopeOf(signal: AbortSignal): Scope {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    end() {
      signal.removeEventListener('abort', onAbort);
      controller.abort(new Error('The request has ended.'));
    },
  };
}

/** The pieces of one prompt's choices. */
async function* piecesOf(
  model: CompletionModel,
  request: CompletionRequest,
  form: CompletionForm,
  at: number,
  telemetry: RequestTelemetry,
  signal: AbortSignal,
): AsyncGenerator<CompletionPiece, void> {
  const pieces = new PromptPieces(form, at);
  for await (const given of model.complete(request, signal)) {
    const piece = pieces.next(given);
    if (piece === undefined) continue;
    telemetry.tokens(given.promptTokens, given.tokenIds.length, given.index);
    if (given.end !== undefined) telemetry.choiceEnded(given.end.finishReason);
    yield piece;
  }
}

/** Of all prompts; when one fails or the reader leaves, the others are given up. */
async function* allPieces(
  model: CompletionModel,
  requests: readonly CompletionRequest[],
  form: CompletionForm,
  telemetries: readonly RequestTelemetry[],
  signal: AbortSignal,
): AsyncGenerator<CompletionPiece, void> {
  const scope = scopeOf(signal);
  try {
    const sources = requests.map(
      (request, at) => () => piecesOf(model, request, form, at, telemetries[at]!, scope.signal),
    );
    yield* mergePieces(sources, PROMPTS_TOGETHER);
  } finally {
    scope.end();
  }
}

/** Registers `POST /v1/completions`; its wire form is told in `completion-fields.ts`. */
export function registerCompletionsRoute(server: FastifyInstance, parts: ChatRouteParts): void {
  server.post('/v1/completions', async (request, reply) => {
    const signal = abortOnClose(reply, parts.shutdown);
    const fields = parseCompletionFields(request.body);
    assertCompletionRules(fields);
    const model = parts.models.findCompletion(fields.model);
    const requestId = requestIdOf(request, fields.request_id);
    const images = new ImageUrls(parts.mediaFolder, signal, takenImages(request));
    const requests = await toCompletionRequests(fields, requestId, model, images);
    const form = toCompletionForm(fields);
    const head = {
      id: `cmpl-${requestId}`,
      created: Math.floor(Date.now() / 1000),
      model: model.id,
      systemFingerprint: `fovea-shim-${parts.version}`,
    };
    const telemetries = requests.map(() => parts.telemetry.request(model.id));
    return sendAnswer(
      {
        isStream: form.isStream,
        pieces: allPieces(model, requests, form, telemetries, signal),
        writer: new CompletionWriter(head, form),
        telemetry: {
          ended: (outcome) => {
            for (const telemetry of telemetries) telemetry.ended(outcome);
          },
        },
        signal,
        logger: parts.logger.child({ requestId }),
      },
      reply,
    );
  });
}
