import { z } from 'zod';
import { buildPrompt, imagePartsOf, pixelBounds } from '../chat/chat-prompt.js';
import { promptFields } from '../chat/chat-schema.js';
import { promptChecks } from '../chat/check-chat.js';
import type { FakeEngine } from '../engine/fake-engine.js';
import { runChecks } from '../generation/check-sampling.js';
import { wholeNumber } from '../generation/sampling-schema.js';
import { parseAs } from '../http/parse-as.js';
import { maxBodyBytes, readJson, sendJson } from '../http/respond.js';
import type { Route } from '../http/router.js';
import { unknownModel } from '../http/vllm-error.js';
import { MediaCache } from '../media/media-cache.js';
import { Admission } from '../requests/admission.js';
import { encode, tokenText } from './vocabulary.js';

const schema = z
  .looseObject({
    ...promptFields,
    messages: promptFields.messages.optional(),
    prompt: z.string().optional(),
    model: z.string().nullish(),
    return_token_strs: z.boolean().nullish(),
  })
  .refine((body) => body.prompt !== undefined || body.messages !== undefined, {
    path: ['prompt'],
    message: 'Field required',
  });
type Body = z.infer<typeof schema>;

/** The prompt a chat request would have; the images are read, but the engine's cache is left as it is. */
async function chatIds(body: Body, admission: Admission): Promise<readonly number[]> {
  const { settings } = admission.engine;
  const messages = body.messages ?? [];
  runChecks(promptChecks, body, settings);
  const parts = imagePartsOf(messages, settings);
  const images = await admission.readImages(parts, pixelBounds(body.mm_processor_kwargs), new MediaCache(0));
  // Old servers count each image as its placeholder alone.
  const { tokenizeExpandsImages } = settings.dialect;
  const counted = tokenizeExpandsImages ? images : images.map((image) => ({ ...image, tokens: 1 }));
  return buildPrompt({ ...body, messages }, counted).ids;
}

/** `POST /tokenize`, for a prompt or a chat; its count is the later `usage.prompt_tokens`. Outside of the key. */
export const tokenizeRoute: Route = async (engine, incoming, response) => {
  const body = parseAs(schema, await readJson(incoming, maxBodyBytes));
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  const tokens =
    body.prompt === undefined
      ? await chatIds(body, new Admission(engine, incoming, response))
      : encode(body.prompt);
  sendJson(response, 200, {
    count: tokens.length,
    max_model_len: engine.settings.maxModelLen,
    tokens,
    token_strs: body.return_token_strs === true ? tokens.map(tokenText) : null,
  });
};

const detokenizeSchema = z.looseObject({ model: z.string().nullish(), tokens: z.array(wholeNumber) });

/** `POST /detokenize`: the text of ids this process has seen. */
export const detokenizeRoute: Route = async (engine: FakeEngine, incoming, response) => {
  const body = parseAs(detokenizeSchema, await readJson(incoming, maxBodyBytes));
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  sendJson(response, 200, { prompt: body.tokens.map(tokenText).join('') });
};
