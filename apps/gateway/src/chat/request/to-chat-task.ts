import { FoveaError } from '@fovea/errors';
import { type ChatRequestWire, chatRequestSchema } from '@fovea/schemas/http';
import type { BlobRef, ChatMessage, ChatTask } from '@fovea/schemas/jobs';
import type { ModelPackage } from '@fovea/schemas/model-package';
import { splitExtensions } from '../../extensions/split-extensions.js';
import { parseRequest, withoutNulls } from '../../ingest/parse-request.js';
import { toResponseFormat } from './response-format.js';
import { toMessage } from './to-message.js';
import { toSampling } from './to-sampling.js';
import { toTools } from './tools.js';

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

/**
 * Translates the wire form to the one request type inside; images become indices into `blobs`. `media` holds those of the
 * body and those of the files that it names, by their paths. Throws `MISSING_CAPABILITY` for what the package does
 * not offer, and `INVALID_REQUEST` for what contradicts itself.
 */
export function toChatTask(
  request: ChatRequest,
  media: ReadonlyMap<string, BlobRef>,
  modelPackage: ModelPackage,
): TranslatedChat {
  const { wire, unknown } = request;
  const { capabilities } = modelPackage;
  refuseSteering(wire);
  const blobs: BlobRef[] = [];
  const messages = wire.messages.map((message, index) =>
    toMessage(message, index, { media, blobs, capabilities }),
  );
  const { extensions, ignored } = splitExtensions(unknown, modelPackage.extensions);
  const responseFormat = toResponseFormat(wire.response_format, capabilities);
  return {
    task: {
      kind: 'chat',
      messages,
      ...toTools(wire, capabilities),
      ...(responseFormat === undefined ? {} : { responseFormat }),
      ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
      sampling: toSampling(wire),
    },
    blobs,
    ignored,
  };
}

function refuseSteering({ steering_concepts: concepts }: ChatRequestWire): void {
  if (concepts === undefined || concepts.length === 0) return;
  const message = 'This model does not offer steering.';
  throw new FoveaError('MISSING_CAPABILITY', { message, param: 'steering_concepts' });
}
