import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { FakeEngine } from '../engine/fake-engine.js';
import { wholeNumber } from '../generation/sampling-schema.js';
import { parseAs } from '../http/parse-as.js';
import { maxBodyBytes, readJson, sendJson } from '../http/respond.js';
import { unknownModel, VllmError } from '../http/vllm-error.js';
import type { AcceptedRequest } from '../requests/accepted-request.js';
import type { Admission } from '../requests/admission.js';
import { serveRequest } from '../requests/serve-request.js';
import { fitPrompt, poolingUsage, toPoolingRequest } from './pooling-request.js';
import { poolingIds, relevance } from './vectors.js';

const texts = z.union([z.string(), z.array(z.string())]);
const schema = z.looseObject({
  model: z.string().nullish(),
  text_1: texts,
  text_2: texts,
  truncate_prompt_tokens: wholeNumber.min(-1).nullish(),
  request_id: z.string().nullish(),
});

interface ScoreRequest extends AcceptedRequest {
  readonly pairs: readonly (readonly [string, string])[];
}

/** One text against each of a list, or two lists of the same length pair by pair. */
function pairUp(first: readonly string[], second: readonly string[]): [string, string][] {
  if (first.length !== 1 && first.length !== second.length) {
    throw new VllmError(400, 'Input lengths must be either 1:1, 1:N or N:N');
  }
  return second.map((text, at) => [first[first.length === 1 ? 0 : at] ?? '', text]);
}

const listOf = (given: string | readonly string[]): readonly string[] =>
  typeof given === 'string' ? [given] : given;

async function parse(admission: Admission): Promise<ScoreRequest> {
  const { engine, incoming } = admission;
  const body = parseAs(schema, await readJson(incoming, maxBodyBytes));
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  const { text_1, text_2, ...parameters } = body;
  const pairs = pairUp(listOf(text_1), listOf(text_2));
  admission.identify(pairs[0]?.[0] ?? '', body.request_id ?? undefined);
  const { maxModelLen } = engine.settings;
  const prompts = pairs.map(([first, second]) =>
    fitPrompt([...poolingIds(first), ...poolingIds(second)], body.truncate_prompt_tokens, maxModelLen),
  );
  const facts = { model: engine.replyName(body.model), images: [], parameters, prompts };
  return { ...toPoolingRequest(admission, body, facts), pairs };
}

/** `POST /score` and `/v1/score`. */
export function scoreRoute(
  engine: FakeEngine,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  return serveRequest(engine, incoming, response, parse, async (run) => {
    await run.pool();
    const { pairs, model } = run.request;
    sendJson(response, 200, {
      id: `score-${run.requestId}`,
      object: 'list',
      created: run.createdS,
      model,
      data: pairs.map(([first, second], index) => ({
        index,
        object: 'score',
        score: relevance(first, second),
      })),
      usage: poolingUsage(run.promptTokens),
    });
  });
}
