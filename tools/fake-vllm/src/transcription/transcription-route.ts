import type { GenerationRequest } from '../generation/generation-request.js';
import { tokenize, toTokens } from '../generation/plan.js';
import { planChoices } from '../generation/plan-choices.js';
import { streamReply } from '../generation/stream-reply.js';
import { toSampling } from '../generation/to-sampling.js';
import { wholeReply } from '../generation/whole-reply.js';
import type { Route } from '../http/router.js';
import { unknownModel } from '../http/vllm-error.js';
import type { Admission } from '../requests/admission.js';
import type { EngineRun } from '../requests/engine-run.js';
import { serveRequest } from '../requests/serve-request.js';
import { encode } from '../tokenizer/vocabulary.js';
import { readTranscriptionForm } from './transcription-form.js';
import { TranscriptionShapes } from './transcription-shapes.js';

/** A transcription request the engine has accepted. */
export interface TranscriptionRequest extends GenerationRequest {
  readonly seconds: number;
  readonly language: string;
  readonly isVerbose: boolean;
  readonly wantsWords: boolean;
}

async function parse(admission: Admission): Promise<TranscriptionRequest> {
  const { engine } = admission;
  const { fields, granularities, seconds } = await readTranscriptionForm(admission);
  if (!engine.serves(fields.model)) throw unknownModel(fields.model);
  const text = fields.prompt ?? '';
  admission.identify(text, undefined);
  const ids = encode(`<|startoftranscript|> ${text}`);
  const options = {
    include_usage: fields.stream_include_usage === true,
    continuous_usage_stats: fields.stream_continuous_usage_stats === true,
  };
  const body = {
    stream: fields.stream === true,
    stream_options: options,
    seed: fields.seed,
    max_tokens: fields.max_completion_tokens,
  };
  return {
    stream: fields.stream === true,
    requestId: undefined,
    model: engine.replyName(fields.model),
    images: [],
    lastUserText: text,
    prompt: { ids, cacheIds: ids },
    cacheSalt: undefined,
    engineRefusal: undefined,
    parameters: fields,
    sampling: toSampling(body, ids.length, engine.settings, { topLogprobs: undefined }),
    seconds,
    language: fields.language ?? 'en',
    isVerbose: fields.response_format === 'verbose_json',
    wantsWords: granularities.includes('word'),
  };
}

function say(run: EngineRun<TranscriptionRequest>, mood: string) {
  const { behaviour, request } = run;
  if (behaviour.tokens !== undefined) return toTokens(behaviour.tokens);
  const { seconds, language } = request;
  return tokenize(behaviour.text ?? `I heard ${seconds} seconds of ${language} about ${mood}.`);
}

/** `POST /v1/audio/transcriptions`. */
export const transcriptionRoute: Route = (engine, incoming, response) =>
  serveRequest(engine, incoming, response, parse, (run, answer) => {
    const spoken = (mood: string) => say(run, mood);
    const choices = planChoices(run, { before: [], spoken, after: [], mutesText: false });
    const reply = run.request.stream ? streamReply : wholeReply;
    return reply(run, answer, choices, new TranscriptionShapes(run));
  });
