import { maxHeaderSize } from 'node:http';
import type { ErrorCode } from '@fovea/errors';
import {
  type LimitsWire,
  MAX_BATCH_PROMPTS,
  MAX_CANDIDATES,
  MAX_EMBEDDING_INPUTS,
  MAX_KEY_DESCRIPTION_CHARS,
  MAX_PERMISSIONS,
  MAX_RERANK_DOCUMENTS,
} from '@fovea/schemas/http';
import { MAX_IMAGE_SIDE_PX } from '../gateway.config.js';
import { MAX_LINGER_BYTES, MAX_LINGER_MS } from '../http/linger.js';
import { MAX_JSON_NUMBER } from '../ingest/json/refusals.js';
import { MAX_HEAD_CHARS } from '../ingest/media/data-url.js';
import { jsonLimits } from '../ingest/streaming-body-reader.js';
import { schemaLimits } from '../json-schema/schema-limits.js';
import { defaultFormLimits, MAX_FIELD_BYTES } from '../multipart/form-limits.js';
import { ACCEPTED_CODINGS, MAX_CODINGS } from '../upload/content-encoding.js';
import { MAX_DECOMPRESSION_RATIO } from '../upload/decompress.js';
import { MAX_LARGE_WINDOWS } from '../upload/large-windows.js';

/** A bound that no variable moves. */
export interface FixedLimit {
  readonly value: number;
  readonly what: string;
  /** What a client is told that goes over; undefined where the connection is closed instead. */
  readonly refusal: ErrorCode | undefined;
}

const limit = (value: number, what: string, refusal: ErrorCode | undefined): FixedLimit => ({
  value,
  what,
  refusal,
});

/** By the name in errors and in `GET /limits`. The values are those that the code keeps to. */
export const fixedLimits = {
  max_image_side_px: limit(MAX_IMAGE_SIDE_PX, 'Pixels on a side of an image.', 'IMAGE_TOO_LARGE'),
  max_text_bytes: limit(jsonLimits.textBytes, 'Bytes of a JSON body without its media.', 'PAYLOAD_TOO_LARGE'),
  max_json_depth: limit(jsonLimits.depth, 'Nesting of lists and objects.', 'INVALID_REQUEST'),
  max_json_containers: limit(jsonLimits.containers, 'Lists and objects of a body.', 'INVALID_REQUEST'),
  max_json_scalars: limit(jsonLimits.scalars, 'Other values of a body.', 'INVALID_REQUEST'),
  max_json_keys: limit(jsonLimits.keys, 'Keys of one object.', 'INVALID_REQUEST'),
  max_json_number: limit(MAX_JSON_NUMBER, 'A number, either side of zero.', 'INVALID_REQUEST'),
  max_data_url_head_chars: limit(
    MAX_HEAD_CHARS,
    'Characters of a data URL up to its comma.',
    'INVALID_IMAGE',
  ),
  max_content_codings: limit(
    MAX_CODINGS,
    `Codings of one body, of ${ACCEPTED_CODINGS}.`,
    'UNSUPPORTED_MEDIA_TYPE',
  ),
  max_decompression_ratio: limit(
    MAX_DECOMPRESSION_RATIO,
    'Unpacked size of a body over 1 MiB against its size on the wire.',
    'PAYLOAD_TOO_LARGE',
  ),
  max_large_brotli_windows: limit(
    MAX_LARGE_WINDOWS,
    'Brotli bodies with a window of over 4 MiB that are unpacked at once; others wait up to 30 s.',
    'QUEUE_FULL',
  ),
  max_header_bytes: limit(maxHeaderSize, 'Bytes of the headers of a request.', 'HEADERS_TOO_LARGE'),
  max_form_parts: limit(defaultFormLimits.maxParts, 'Parts of a form.', 'INVALID_REQUEST'),
  max_part_header_bytes: limit(
    defaultFormLimits.maxHeaderBytes,
    'Bytes of the headers of a part.',
    'INVALID_REQUEST',
  ),
  max_file_name_length: limit(
    defaultFormLimits.maxFileNameLength,
    'Length of the name of a file.',
    'INVALID_REQUEST',
  ),
  max_field_bytes: limit(MAX_FIELD_BYTES, 'Bytes of a form field that is no file.', 'INVALID_REQUEST'),
  max_schema_bytes: limit(schemaLimits.bytes, 'Bytes of a JSON schema.', 'INVALID_REQUEST'),
  max_schema_depth: limit(schemaLimits.depth, 'Nesting of a JSON schema.', 'INVALID_REQUEST'),
  max_schema_nodes: limit(
    schemaLimits.nodes,
    'Lists, objects and values of a JSON schema.',
    'INVALID_REQUEST',
  ),
  max_schema_pattern_chars: limit(
    schemaLimits.patternChars,
    'Characters of a regular expression for the answer.',
    'INVALID_REQUEST',
  ),
  max_schema_repetitions: limit(
    schemaLimits.repetitions,
    'Counted repetitions of a regular expression, multiplied; `maxItems` and the like.',
    'INVALID_REQUEST',
  ),
  max_api_key_description_chars: limit(
    MAX_KEY_DESCRIPTION_CHARS,
    'Characters of the description of an API key.',
    'INVALID_REQUEST',
  ),
  max_candidates: limit(
    MAX_CANDIDATES,
    'Texts that one request to `/completions` generates: prompts, times `n` or `best_of`.',
    'INVALID_REQUEST',
  ),
  max_embedding_inputs: limit(
    MAX_EMBEDDING_INPUTS,
    'Inputs of one request to `/embeddings`.',
    'INVALID_REQUEST',
  ),
  max_batch_prompts: limit(
    MAX_BATCH_PROMPTS,
    'Prompts of one request to `/batch_semantic_embed`.',
    'INVALID_REQUEST',
  ),
  max_rerank_documents: limit(
    MAX_RERANK_DOCUMENTS,
    'Documents of one request to `/rerank`.',
    'INVALID_REQUEST',
  ),
  max_permissions: limit(MAX_PERMISSIONS, 'Permissions that are asked about at once.', 'INVALID_REQUEST'),
  max_unwanted_bytes: limit(
    MAX_LINGER_BYTES,
    'Bytes of a body that are thrown away after an early answer, before the connection is closed.',
    undefined,
  ),
  max_unwanted_s: limit(MAX_LINGER_MS / 1000, 'Seconds for the same.', undefined),
} satisfies Partial<Record<keyof LimitsWire, FixedLimit>>;

/** The values alone. */
export function fixedLimitValues(): Record<keyof typeof fixedLimits, number> {
  const entries = Object.entries(fixedLimits).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(entries);
}
