import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { FakeEngine } from '../engine/fake-engine.js';
import { wholeNumber } from '../generation/sampling-schema.js';
import { parseAs } from '../http/parse-as.js';
import { maxBodyBytes, readJson, sendJson } from '../http/respond.js';
import { unknownModel } from '../http/vllm-error.js';
import type { AcceptedRequest } from '../requests/accepted-request.js';
import type { Admission } from '../requests/admission.js';
import { serveRequest } from '../requests/serve-request.js';
import { fitPrompt, toPoolingRequest } from './pooling-request.js';
import { poolingIds, relevance } from './vectors.js';

const textSchema = z.union([z.string(), z.looseObject({ text: z.string() })]);
const schema = z.looseObject({
  model: z.string().nullish(),
  query: textSchema,
  documents: z.array(textSchema),
  top_n: wholeNumber.nullish(),
  truncate_prompt_tokens: wholeNumber.min(-1).nullish(),
  request_id: z.string().nullish(),
});

interface RerankRequest extends AcceptedRequest {
  readonly query: string;
  readonly documents: readonly string[];
  readonly topN: number;
}

const textOf = (given: z.infer<typeof textSchema>): string =>
  typeof given === 'string' ? given : given.text;

async function parse(admission: Admission): Promise<RerankRequest> {
  const { engine, incoming } = admission;
  const body = parseAs(schema, await readJson(incoming, maxBodyBytes));
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  const query = textOf(body.query);
  const documents = body.documents.map(textOf);
  admission.identify(query, body.request_id ?? undefined);
  const { query: _query, documents: _documents, ...parameters } = body;
  const { maxModelLen } = engine.settings;
  const prompts = documents.map((document) =>
    fitPrompt([...poolingIds(query), ...poolingIds(document)], body.truncate_prompt_tokens, maxModelLen),
  );
  return {
    ...toPoolingRequest(admission, body, {
      model: engine.replyName(body.model),
      images: [],
      parameters,
      prompts,
    }),
    query,
    documents,
    topN: body.top_n == null || body.top_n < 1 ? documents.length : body.top_n,
  };
}

/** `POST /rerank`, `/v1/rerank` and `/v2/rerank`. Documents that share words with the query come first. */
export function rerankRoute(
  engine: FakeEngine,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  return serveRequest(engine, incoming, response, parse, async (run) => {
    await run.pool();
    const { query, documents, topN, model } = run.request;
    const results = documents
      .map((text, index) => ({
        index,
        document: { text, multi_modal: null },
        relevance_score: relevance(query, text),
      }))
      .sort((a, b) => b.relevance_score - a.relevance_score)
      .slice(0, topN);
    sendJson(response, 200, {
      id: `rerank-${run.requestId}`,
      model,
      usage: { prompt_tokens: run.promptTokens, total_tokens: run.promptTokens },
      results,
    });
  });
}
