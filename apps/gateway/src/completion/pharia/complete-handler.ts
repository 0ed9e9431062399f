import type { ModelListing } from '@fovea/model-registry';
import {
  type CompleteAnswerWire,
  type CompleteRequestWire,
  completeRequestSchema,
} from '@fovea/schemas/http';
import type { StreamEntry } from '@fovea/token-stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange } from '../../http/exchange.js';
import type { ReadBody } from '../../ingest/body-reader.js';
import { promptMedia } from '../../ingest/media/media-places.js';
import { parseRequest, withoutNulls } from '../../ingest/parse-request.js';
import { beginAnswer, collectEvents } from '../../tasks/begin-answer.js';
import { streamAnswer } from '../../tasks/relay-stream.js';
import { setAnswerHeaders } from '../../tasks/request-head.js';
import type { RequestResult, RequestTelemetry } from '../../tasks/request-telemetry.js';
import type { Asker } from '../../tasks/submit-job.js';
import type { Accepted, TaskRoute } from '../../tasks/task-route.js';
import { CollectedChoices } from '../choices/collected-choices.js';
import { ignoredKeys } from '../ignored-keys.js';
import type { SubmitCompletion } from '../submit-completion.js';
import { withClientName } from './client-names.js';
import { CompleteFrames, type CompleteOptions, countsOf } from './complete-frames.js';
import { endOf, saidOf } from './said.js';
import { toCompleteTask } from './to-complete-task.js';

interface AcceptedComplete extends Accepted {
  readonly isStreamed: boolean;
  readonly ignored: readonly string[];
  readonly options: CompleteOptions;
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** `POST /complete`, and `POST /complete/json`, whose answer is JSON and never streamed. */
export class CompleteHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly completion: SubmitCompletion,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply, form: 'text' | 'json'): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, promptMedia),
      accept: (body, asker) => this.#accept(body, asker, form),
      answer: (accepted, exchange, telemetry) => this.#answer(reply, accepted, exchange, telemetry),
    });
  }

  async #accept({ value, media }: ReadBody, asker: Asker, form: 'text' | 'json'): Promise<AcceptedComplete> {
    const present = withoutNulls(value);
    const wire = parseRequest(completeRequestSchema, present);
    const listing = await this.completion.find(wire.model);
    const { work, ...translated } = toCompleteTask(wire, media, listing, form);
    const entries = await this.completion.submit(listing, work, asker);
    const ignored = ignoredKeys(completeRequestSchema, present);
    const isStreamed = wire.stream === true && form === 'text';
    return {
      model: listing.model.name,
      images: work.blobs.length,
      isStreamed,
      ignored: wire.stream === true && !isStreamed ? [...ignored, 'stream'] : ignored,
      options: { ...translated, ...optionsOf(wire, listing) },
      entries,
    };
  }

  async #answer(
    reply: FastifyReply,
    { isStreamed, ignored, options, entries }: AcceptedComplete,
    { signal }: Exchange,
    telemetry: RequestTelemetry,
  ): Promise<RequestResult> {
    const begun = await beginAnswer(entries).catch((thrown: unknown) => {
      throw withClientName(thrown);
    });
    const { queueTimeMs } = begun;
    telemetry.firstOutput(queueTimeMs);
    setAnswerHeaders(reply, { ignored, queueTimeMs });
    if (isStreamed) return streamAnswer(reply, begun, new CompleteFrames(options), signal);
    const collected = new CollectedChoices(options.candidates.engineChoices);
    const { usage } = await collectEvents(begun.entries, (event) => collected.add(event));
    const { candidates, wishes, modelVersion, optimized } = options;
    const choices = candidates.choose(collected.all(), usage);
    const answer: CompleteAnswerWire = {
      model_version: modelVersion,
      completions: choices.map(({ text, logprobs, finishReason, stopReason }, index) => ({
        index,
        ...saidOf(text, logprobs, wishes),
        finish_reason: endOf(finishReason, stopReason),
      })),
      ...(optimized === undefined ? {} : { optimized_prompt: optimized }),
      ...countsOf(options, usage),
    };
    reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer));
    return { status: 200, usage: candidates.count(usage), queueTimeMs, error: undefined };
  }
}

const optionsOf = (
  wire: CompleteRequestWire,
  listing: ModelListing,
): Pick<CompleteOptions, 'wishes' | 'modelVersion' | 'echoesOnly'> => ({
  wishes: wire,
  modelVersion: `${listing.package.version}`,
  echoesOnly: wire.maximum_tokens === 0,
});
