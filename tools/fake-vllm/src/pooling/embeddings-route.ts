import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { buildPrompt, imagePartsOf, lastUserText, pixelBounds, textOf } from '../chat/chat-prompt.js';
import { preprocess } from '../chat/chat-request.js';
import { promptFields } from '../chat/chat-schema.js';
import type { FakeEngine } from '../engine/fake-engine.js';
import { wholeNumber } from '../generation/sampling-schema.js';
import { parseAs } from '../http/parse-as.js';
import { maxBodyBytes, readJson, sendJson } from '../http/respond.js';
import { unknownModel, VllmError } from '../http/vllm-error.js';
import type { SeenImage } from '../media/seen-image.js';
import type { AcceptedRequest } from '../requests/accepted-request.js';
import type { Admission } from '../requests/admission.js';
import { serveRequest } from '../requests/serve-request.js';
import { tokenText } from '../tokenizer/vocabulary.js';
import { fitPrompt, poolingUsage, toPoolingRequest } from './pooling-request.js';
import { embed, poolingIds, shorten, wordsOf } from './vectors.js';

const ids = z.array(wholeNumber).min(1);
const inputSchema = z.union([z.string(), ids, z.array(z.union([z.string(), ids])).min(1)]);
const schema = z
  .looseObject({
    ...promptFields,
    messages: promptFields.messages.optional(),
    input: inputSchema.optional(),
    model: z.string().nullish(),
    dimensions: wholeNumber.nullish(),
    encoding_format: z.enum(['float', 'base64']).nullish(),
    endianness: z.enum(['native', 'little', 'big']).nullish(),
    truncate_prompt_tokens: wholeNumber.min(-1).nullish(),
    request_id: z.string().nullish(),
    cache_salt: z.string().nullish(),
  })
  .refine((body) => body.input !== undefined || body.messages !== undefined, {
    path: ['input'],
    message: 'Field required',
  });
type Body = z.infer<typeof schema>;

/** One thing to embed: what it says, and the tokens it takes. */
interface Item {
  readonly words: readonly string[];
  readonly ids: readonly number[];
}

interface EmbeddingRequest extends AcceptedRequest {
  readonly items: readonly Item[];
  readonly size: number;
  readonly encoding: 'float' | 'base64';
  readonly isBigEndian: boolean;
}

function toItem(input: string | readonly number[]): Item {
  if (typeof input === 'string') return { words: wordsOf(input), ids: poolingIds(input) };
  return { words: wordsOf(input.map(tokenText).join('')), ids: input };
}

function isIds(list: readonly unknown[]): list is readonly number[] {
  return typeof list[0] === 'number';
}

function textItems(input: z.infer<typeof inputSchema>): Item[] {
  if (typeof input === 'string' || isIds(input)) return [toItem(input)];
  return input.map(toItem);
}

async function readItems(body: Body, admission: Admission): Promise<{ items: Item[]; images: SeenImage[] }> {
  const { messages } = body;
  if (messages === undefined) return { items: textItems(body.input ?? ''), images: [] };
  const parts = imagePartsOf(messages, admission.engine.settings);
  const images = await admission.readImages(parts, pixelBounds(body.mm_processor_kwargs));
  const words = messages.flatMap((message) => wordsOf(textOf(message)));
  const pictures = images.map((image) => image.sha256);
  return {
    items: [{ words: [...words, ...pictures], ids: buildPrompt({ ...body, messages }, images).ids }],
    images,
  };
}

function sizeOf(body: Body, { embeddingSize, matryoshka, model }: FakeEngine['settings']): number {
  const { dimensions } = body;
  if (dimensions == null) return embeddingSize;
  if (!matryoshka) {
    throw new VllmError(
      400,
      `Model "${model}" does not support matryoshka representation, changing output dimensions will lead to poor results.`,
    );
  }
  if (dimensions < 1 || dimensions > embeddingSize) {
    throw new VllmError(400, `Dimensions must be between 1 and ${embeddingSize}, got ${dimensions}.`);
  }
  return dimensions;
}

async function parse(admission: Admission): Promise<EmbeddingRequest> {
  const { engine, incoming } = admission;
  const body = parseAs(schema, await readJson(incoming, maxBodyBytes));
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  const size = sizeOf(body, engine.settings);
  const { input = '', messages, ...parameters } = body;
  const text = typeof input === 'string' ? input : input.map(String).join(' ');
  admission.identify(messages === undefined ? text : lastUserText(messages), body.request_id ?? undefined);
  return preprocess(engine.settings, async () => {
    const { items, images } = await readItems(body, admission);
    const fitted = items.map((item) => ({
      ...item,
      ids: fitPrompt(item.ids, body.truncate_prompt_tokens, engine.settings.maxModelLen),
    }));
    const facts = {
      model: engine.replyName(body.model),
      images,
      parameters,
      prompts: fitted.map((item) => item.ids),
    };
    return {
      ...toPoolingRequest(admission, body, facts),
      items: fitted,
      size,
      encoding: body.encoding_format ?? 'float',
      isBigEndian: body.endianness === 'big',
    };
  });
}

/** The numbers as 32-bit floats, little-endian unless the request wants it otherwise. */
function toBase64(embedding: readonly number[], isBigEndian: boolean): string {
  const bytes = Buffer.alloc(embedding.length * 4);
  embedding.forEach((value, at) => {
    if (isBigEndian) bytes.writeFloatBE(value, at * 4);
    else bytes.writeFloatLE(value, at * 4);
  });
  return bytes.toString('base64');
}

/** `POST /v1/embeddings`. Vectors of texts that share words are near each other. */
export function embeddingsRoute(
  engine: FakeEngine,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  return serveRequest(engine, incoming, response, parse, async (run) => {
    await run.pool();
    const { items, size, encoding, isBigEndian, model } = run.request;
    const data = items.map(({ words }, index) => {
      const whole = embed(words, engine.settings.embeddingSize);
      const vector = size === whole.length ? whole : shorten(whole, size);
      const embedding = encoding === 'float' ? vector : toBase64(vector, isBigEndian);
      return { index, object: 'embedding', embedding };
    });
    sendJson(response, 200, {
      id: `embd-${run.requestId}`,
      object: 'list',
      created: run.createdS,
      model,
      data,
      usage: poolingUsage(run.promptTokens),
    });
  });
}
