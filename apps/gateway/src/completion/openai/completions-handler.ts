import { type CompletionsAnswerWire, completionsRequestSchema } from '@fovea/schemas/http';
import type { StreamEntry } from '@fovea/token-stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toUsageWire } from '../../chat/answer/answer-head.js';
import type { Exchange } from '../../http/exchange.js';
import { contextOf } from '../../http/request-context.js';
import type { ReadBody } from '../../ingest/body-reader.js';
import { mediaPlaces } from '../../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../../ingest/parse-request.js';
import { beginAnswer, collectEvents } from '../../tasks/begin-answer.js';
import { streamAnswer } from '../../tasks/relay-stream.js';
import { setAnswerHeaders } from '../../tasks/request-head.js';
import type { RequestResult, RequestTelemetry } from '../../tasks/request-telemetry.js';
import type { Asker } from '../../tasks/submit-job.js';
import type { Accepted, TaskRoute } from '../../tasks/task-route.js';
import { CollectedChoices, type CompletionChoice } from '../choices/collected-choices.js';
import { ignoredKeys } from '../ignored-keys.js';
import type { SubmitCompletion } from '../submit-completion.js';
import { CompletionsChunks, type CompletionsOptions } from './completions-chunks.js';
import { toLegacyLogprobs } from './legacy-logprobs.js';
import { toCompletionsTask } from './to-completions-task.js';

const noMedia = mediaPlaces([]);

interface AcceptedCompletions extends Accepted {
  readonly isStreamed: boolean;
  readonly ignored: readonly string[];
  readonly options: CompletionsOptions;
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** `POST /completions`, OpenAI's older route. */
export class CompletionsHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly completion: SubmitCompletion,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, noMedia),
      accept: (body, asker) => this.#accept(body, asker, contextOf(request).id),
      answer: (accepted, exchange, telemetry) => this.#answer(reply, accepted, exchange, telemetry),
    });
  }

  async #accept({ value }: ReadBody, asker: Asker, requestId: string): Promise<AcceptedCompletions> {
    const present = withoutNulls(value);
    const wire = parseRequest(completionsRequestSchema, present);
    const listing = await this.completion.find(wire.model);
    const unknown = Object.fromEntries(
      ignoredKeys(completionsRequestSchema, present).map((key) => [key, (present as never)[key]]),
    );
    const { work, candidates, ignored } = toCompletionsTask(wire, unknown, listing);
    const entries = await this.completion.submit(listing, work, asker);
    const model = listing.model.name;
    const created = Math.floor(Date.now() / 1000);
    const options = {
      head: { id: `cmpl-${requestId}`, created, model },
      candidates,
      includeUsage: wire.stream_options?.include_usage === true,
      logprobs: wire.logprobs !== undefined,
    };
    return { model, images: 0, isStreamed: wire.stream === true, ignored, options, entries };
  }

  async #answer(
    reply: FastifyReply,
    { isStreamed, ignored, options, entries }: AcceptedCompletions,
    { signal }: Exchange,
    telemetry: RequestTelemetry,
  ): Promise<RequestResult> {
    const begun = await beginAnswer(entries);
    const { queueTimeMs } = begun;
    telemetry.firstOutput(queueTimeMs);
    setAnswerHeaders(reply, { ignored, queueTimeMs });
    if (isStreamed) return streamAnswer(reply, begun, new CompletionsChunks(options), signal);
    const { candidates, head, logprobs } = options;
    const collected = new CollectedChoices(candidates.engineChoices);
    const end = await collectEvents(begun.entries, (event) => collected.add(event));
    const usage = candidates.count(end.usage);
    const choices = candidates.choose(collected.all(), end.usage);
    const answer: CompletionsAnswerWire = {
      ...head,
      object: 'text_completion',
      system_fingerprint: end.systemFingerprint ?? null,
      choices: choices.map((choice, index) => toChoiceWire(choice, index, logprobs)),
      usage: toUsageWire(usage),
    };
    reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer));
    return { status: 200, usage, queueTimeMs, error: undefined };
  }
}

const toChoiceWire = (
  { text, logprobs, finishReason }: CompletionChoice,
  index: number,
  areAsked: boolean,
): CompletionsAnswerWire['choices'][number] => ({
  index,
  text,
  logprobs: areAsked ? toLegacyLogprobs(logprobs, 0) : null,
  finish_reason: finishReason,
});
