import type { Logger } from '@fovea/observability';
import type { FastifyInstance } from 'fastify';
import type { ChatModel, ChatModelPiece } from '../../models/chat-model.js';
import type { RequestTelemetry, ShimTelemetry } from '../../telemetry/shim-telemetry.js';
import { takenImages } from '../bodies/json-bodies.js';
import { sendAnswer } from '../generation/send-answer.js';
import { ImageUrls } from '../media/image-urls.js';
import type { MediaFolder } from '../media/media-folder.js';
import { abortOnClose, requestIdOf } from '../request-scope.js';
import type { ServedModels } from '../served-models.js';
import { UsageCount } from './chat-answer.js';
import { parseChatFields } from './chat-fields.js';
import { toAnswerForm, toChatModelRequest } from './chat-request.js';
import { assertChatRules } from './chat-rules.js';
import { ChatWriter } from './chat-writer.js';

export interface ChatRouteParts {
  readonly models: ServedModels;
  readonly telemetry: ShimTelemetry;
  readonly logger: Logger;
  /** Of the answers, and of `/version`. */
  readonly version: string;
  /** Aborts everything that still runs when the drain takes too long. */
  readonly shutdown: AbortSignal;
  /** Whose files requests may name; absent: none. */
  readonly mediaFolder?: MediaFolder | undefined;
}

/** Counts what comes by. */
async function* counted(
  pieces: AsyncIterable<ChatModelPiece>,
  usage: UsageCount,
  telemetry: RequestTelemetry,
): AsyncGenerator<ChatModelPiece, void> {
  for await (const piece of pieces) {
    usage.add(piece);
    telemetry.tokens(piece.promptTokens, piece.tokenIds.length, piece.index);
    if (piece.end !== undefined) telemetry.choiceEnded(piece.end.finishReason);
    yield piece;
  }
}

/** Registers `POST /v1/chat/completions`. The status is decided when the first token is there, not before. */
export function registerChatRoute(server: FastifyInstance, parts: ChatRouteParts): void {
  server.post('/v1/chat/completions', async (request, reply) => {
    const signal = abortOnClose(reply, parts.shutdown);
    const fields = parseChatFields(request.body);
    assertChatRules(fields);
    const model: ChatModel = parts.models.find(fields.model);
    const requestId = requestIdOf(request, fields.request_id);
    const images = new ImageUrls(parts.mediaFolder, signal, takenImages(request));
    const modelRequest = await toChatModelRequest(fields, requestId, model, images);
    const form = toAnswerForm(fields);
    const head = {
      id: `chatcmpl-${requestId}`,
      created: Math.floor(Date.now() / 1000),
      model: model.id,
      systemFingerprint: `fovea-shim-${parts.version}`,
    };
    const usage = new UsageCount();
    const telemetry = parts.telemetry.request(model.id);
    return sendAnswer(
      {
        isStream: form.isStream,
        pieces: counted(model.start(modelRequest, signal), usage, telemetry),
        writer: new ChatWriter(head, form, modelRequest.choices, usage),
        telemetry,
        signal,
        logger: parts.logger.child({ requestId }),
      },
      reply,
    );
  });
}
