import { FoveaError } from '@fovea/errors';
import {
  type ChatRequestWire,
  chatRequestSchema,
  extensionSchemas,
  type MessageWire,
} from '@fovea/schemas/http';
import type { BlobRef, ChatMessage, ChatTask, ContentPart, Sampling } from '@fovea/schemas/jobs';
import type { ModelPackage } from '@fovea/schemas/model-package';
import { namedFilePath } from '../files/named-files.js';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';

/** A chat request that passed the door, before its model is known. */
export interface ChatRequest {
  readonly wire: ChatRequestWire;
  /** Unknown top-level keys with their values: engine extensions, or nothing. */
  readonly unknown: Readonly<Record<string, unknown>>;
}

export interface TranslatedChat {
  readonly task: ChatTask & { readonly messages: ChatMessage[] };
  readonly blobs: readonly BlobRef[];
  /** Keys that were dropped, for the `x-ignored-params` header. */
  readonly ignored: readonly string[];
}

/** Parses the JSON value of a chat request; throws `INVALID_REQUEST` with the path of the first wrong field. */
export function parseChatRequest(value: unknown): ChatRequest {
  const present = withoutNulls(value);
  const wire = parseRequest(chatRequestSchema, present);
  const known = new Set(Object.keys(chatRequestSchema.shape));
  const fields = Object.entries(present as Record<string, unknown>);
  return { wire, unknown: Object.fromEntries(fields.filter(([key]) => !known.has(key))) };
}

const refuse = (message: string, param: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message, param });
const missing = (message: string, param: string): FoveaError =>
  new FoveaError('MISSING_CAPABILITY', { message, param });

/**
 * Translates the wire form to the one request type inside; images become indices into `blobs`. `media` holds those of the
 * body and those of the files that it names, by their paths.
 */
export function toChatTask(
  request: ChatRequest,
  media: ReadonlyMap<string, BlobRef>,
  modelPackage: ModelPackage,
): TranslatedChat {
  const { wire } = request;
  refuseWhatNoEngineOffers(wire);
  const blobs: BlobRef[] = [];
  const messages = wire.messages.map((message, index) => toMessage(message, index, media, blobs));
  const { extensions, ignored } = splitExtensions(request.unknown, modelPackage.extensions);
  const task = { kind: 'chat' as const, messages, sampling: toSampling(wire) };
  return { task: Object.keys(extensions).length > 0 ? { ...task, extensions } : task, blobs, ignored };
}

function refuseWhatNoEngineOffers(wire: ChatRequestWire): void {
  if (wire.tools !== undefined && wire.tools.length > 0) {
    throw missing('This model does not offer tool calls.', 'tools');
  }
  if (wire.response_format !== undefined && wire.response_format.type !== 'text') {
    throw missing('This model does not offer structured output.', 'response_format');
  }
  if (wire.steering_concepts !== undefined && wire.steering_concepts.length > 0) {
    throw missing('This model does not offer steering.', 'steering_concepts');
  }
  if (wire.top_logprobs !== undefined && wire.logprobs !== true) {
    throw refuse('top_logprobs needs "logprobs": true.', 'top_logprobs');
  }
}

function toMessage(
  message: MessageWire,
  index: number,
  media: ReadonlyMap<string, BlobRef>,
  blobs: BlobRef[],
): ChatMessage {
  if (message.tool_calls !== undefined && message.tool_calls !== null && message.tool_calls.length > 0) {
    throw missing('This model does not offer tool calls.', `messages[${index}].tool_calls`);
  }
  const { content } = message;
  if (content === undefined || content === null) {
    throw refuse('A message needs content.', `messages[${index}].content`);
  }
  const named = message.name === undefined ? {} : { name: message.name };
  if (typeof content === 'string') {
    return { role: message.role, content: [{ type: 'text', text: content }], plain: true, ...named };
  }
  if (content.length === 0) throw refuse('The list of parts is empty.', `messages[${index}].content`);
  const parts = content.map((part, partIndex): ContentPart => {
    if (part.type === 'text') return part;
    const path =
      part.type === 'image_file'
        ? namedFilePath(index, partIndex)
        : `messages[${index}].content[${partIndex}].image_url.url`;
    const ref = media.get(path);
    if (ref === undefined) throw new Error(`no image was read at ${path}`);
    return { type: 'image', blob: blobs.push(ref) - 1, path };
  });
  return { role: message.role, content: parts, ...named };
}

/** Three names for one bound; two different values are a contradiction. */
function tokenCap(wire: ChatRequestWire): number | undefined {
  const names = ['max_tokens', 'maximum_tokens', 'max_completion_tokens'] as const;
  const given = names.filter((name) => wire[name] !== undefined);
  const [first] = given;
  const conflict = given.find((name) => wire[name] !== wire[first ?? name]);
  if (conflict !== undefined) throw refuse(`${conflict} contradicts ${first}.`, conflict);
  return first === undefined ? undefined : wire[first];
}

function toSampling(wire: ChatRequestWire): Sampling {
  const sampling: Record<keyof Sampling, unknown> = {
    maxTokens: tokenCap(wire),
    temperature: wire.temperature,
    topP: wire.top_p === 0 ? undefined : wire.top_p,
    topK: wire.top_k === 0 || wire.top_k === -1 ? undefined : wire.top_k,
    n: wire.n,
    stop: typeof wire.stop === 'string' ? [wire.stop] : wire.stop,
    frequencyPenalty: wire.frequency_penalty,
    presencePenalty: wire.presence_penalty,
    logitBias: wire.logit_bias,
    seed: wire.seed,
    logprobs: wire.logprobs,
    topLogprobs: wire.top_logprobs,
  };
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined));
}

function splitExtensions(
  unknown: Readonly<Record<string, unknown>>,
  offered: readonly string[],
): { extensions: Record<string, unknown>; ignored: string[] } {
  const extensions: Record<string, unknown> = {};
  const ignored: string[] = [];
  const schemas = new Map(Object.entries(extensionSchemas));
  for (const [key, value] of Object.entries(unknown)) {
    const schema = schemas.get(key);
    if (schema === undefined || !offered.includes(key)) {
      ignored.push(key);
      continue;
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw refuse(`${key}: ${parsed.error.issues[0]?.message ?? 'wrong value'}`, key);
    extensions[key] = parsed.data;
  }
  return { extensions, ignored };
}
