import type { FastifyInstance } from 'fastify';
import type { ServedModel } from '../../models/model-family.js';
import { takenImages } from '../bodies/json-bodies.js';
import { toPromptSource } from '../chat/chat-request.js';
import type { ChatRouteParts } from '../chat/chat-route.js';
import { ImageUrls } from '../media/image-urls.js';
import { abortOnClose } from '../request-scope.js';
import type { ServedModels } from '../served-models.js';
import { vllmError } from '../vllm-error.js';
import { parseDetokenizeFields, parseTokenizeFields, type TokenizeChatFields } from './tokens-fields.js';

const toWire = (model: ServedModel, ids: Int32Array, tokens: readonly string[] | undefined) => ({
  count: ids.length,
  max_model_len: model.maxModelLen,
  tokens: [...ids],
  token_strs: tokens ?? null,
});

async function tokenizeChat(
  { model: name, chat, wantsTokens }: TokenizeChatFields,
  models: ServedModels,
  images: ImageUrls,
  signal: AbortSignal,
) {
  const { model, tokenizer } = models.findChatTokenizer(name);
  const ids = await model.tokenizeChat(await toPromptSource(chat, model, images), signal);
  return toWire(model, ids, wantsTokens ? await tokenizer.spell(ids, signal) : undefined);
}

/**
 * Registers vLLM's `POST /tokenize`, for a prompt or a chat, and `POST /detokenize`, which stand beside `/v1`, and
 * `GET /v1/models/{id}/tokenizer`, which is ours: the bytes of the model's `tokenizer.json` with an entity tag, 404 for a
 * model without. A slash in a name is written `%2F`.
 */
export function registerTokensRoutes(server: FastifyInstance, parts: ChatRouteParts): void {
  server.post('/tokenize', async (request, reply) => {
    const signal = abortOnClose(reply, parts.shutdown);
    const fields = parseTokenizeFields(request.body);
    if ('chat' in fields) {
      const images = new ImageUrls(parts.mediaFolder, signal, takenImages(request));
      return tokenizeChat(fields, parts.models, images, signal);
    }
    const { model: name, prompt, ...options } = fields;
    const { model, tokenizer } = parts.models.findTokenizer(name, 'Tokenize');
    const { ids, tokens } = await tokenizer.tokenize(prompt, options, signal);
    return toWire(model, ids, tokens);
  });

  server.post('/detokenize', async (request, reply) => {
    const signal = abortOnClose(reply, parts.shutdown);
    const { model: name, tokens, skipSpecialTokens } = parseDetokenizeFields(request.body);
    const { tokenizer } = parts.models.findTokenizer(name, 'Detokenize');
    return { prompt: await tokenizer.detokenize(tokens, skipSpecialTokens, signal) };
  });

  server.get<{ Params: { id: string } }>('/v1/models/:id/tokenizer', async (request, reply) => {
    const { model, tokenizer } = parts.models.findNamed(request.params.id);
    if (tokenizer === undefined) {
      return reply.code(404).send(vllmError(404, `The model \`${model.id}\` has no tokenizer.`));
    }
    const { bytes, etag } = await tokenizer.file();
    reply.header('etag', etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(bytes);
  });
}
