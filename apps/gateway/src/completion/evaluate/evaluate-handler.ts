import { type EvaluateAnswerWire, evaluateRequestSchema } from '@fovea/schemas/http';
import type { StreamEntry } from '@fovea/token-stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReadBody } from '../../ingest/body-reader.js';
import { promptMedia } from '../../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../../ingest/parse-request.js';
import { beginAnswer, collectEvents } from '../../tasks/begin-answer.js';
import { setAnswerHeaders } from '../../tasks/request-head.js';
import type { RequestResult, RequestTelemetry } from '../../tasks/request-telemetry.js';
import type { Asker } from '../../tasks/submit-job.js';
import type { Accepted, TaskRoute } from '../../tasks/task-route.js';
import { CollectedChoices } from '../choices/collected-choices.js';
import { ignoredKeys } from '../ignored-keys.js';
import { requireDefaults } from '../pharia/default-only.js';
import { requireOneKind, toPromptItems } from '../pharia/prompt-items.js';
import type { SubmitCompletion } from '../submit-completion.js';
import { evaluate } from './evaluation.js';

interface AcceptedEvaluation extends Accepted {
  readonly expected: string;
  readonly modelVersion: string;
  readonly ignored: readonly string[];
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** `POST /evaluate`: the prompt and what is expected behind it are read together, and nothing is generated. */
export class EvaluateHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly completion: SubmitCompletion,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, promptMedia),
      accept: (body, asker) => this.#accept(body, asker),
      answer: (accepted, _exchange, telemetry) => this.#answer(reply, accepted, telemetry),
    });
  }

  async #accept({ value, media }: ReadBody, asker: Asker): Promise<AcceptedEvaluation> {
    const present = withoutNulls(value);
    const { completion_expected: expected, ...wire } = parseRequest(evaluateRequestSchema, present);
    const listing = await this.completion.find(wire.model);
    requireDefaults(wire);
    const { items, blobs, pieces } = toPromptItems(wire.prompt, media, listing);
    const whole = [...items, { type: 'text' as const, text: expected }];
    requireOneKind(whole, listing);
    const task = {
      kind: 'completion' as const,
      prompts: [whole],
      sampling: { maxTokens: 0, temperature: 0, logprobs: true, topLogprobs: 1 },
      echo: true,
    };
    const read = [...pieces, { path: 'completion_expected', text: expected }];
    const entries = await this.completion.submit(listing, { task, blobs, pieces: [read] }, asker);
    return {
      model: listing.model.name,
      images: blobs.length,
      expected,
      modelVersion: `${listing.package.version}`,
      ignored: ignoredKeys(evaluateRequestSchema, present),
      entries,
    };
  }

  async #answer(
    reply: FastifyReply,
    { expected, modelVersion, ignored, entries }: AcceptedEvaluation,
    telemetry: RequestTelemetry,
  ): Promise<RequestResult> {
    const begun = await beginAnswer(entries);
    const { queueTimeMs } = begun;
    telemetry.firstOutput(queueTimeMs);
    const collected = new CollectedChoices(1);
    const { usage } = await collectEvents(begun.entries, (event) => collected.add(event));
    const [choice] = collected.all();
    const answer: EvaluateAnswerWire = {
      model_version: modelVersion,
      result: evaluate(choice?.logprobs ?? [], expected),
      num_tokens_prompt_total: usage.promptTokens,
    };
    setAnswerHeaders(reply, { ignored, queueTimeMs });
    reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer));
    return { status: 200, usage: { ...usage, completionTokens: 0 }, queueTimeMs, error: undefined };
  }
}
