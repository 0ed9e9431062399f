import { variableRows } from '@fovea/config';
import { catalogue, type ErrorCode } from '@fovea/errors';
import {
  type FixedLimit,
  fixedLimits,
  variables as gatewayVariables,
  IMAGE_FORMATS,
} from '@fovea/gateway/reference';
import { shimVariables } from '@fovea/gpu-worker-shim/reference';
import type { LimitsWire } from '@fovea/schemas/http';
import { MAX_ENVELOPE_BYTES } from '@fovea/schemas/jobs';
import { variables as adapterVariables } from '@fovea/worker-adapter/reference';
import { type JsonSchema, typeText } from '../markdown/json-schema.js';
import { type Page, page } from '../markdown/page.js';
import { code, table } from '../markdown/table.js';
import type { OpenApi } from './http-api-page.js';

const variables = { ...shimVariables, ...adapterVariables, ...gatewayVariables };

interface ConfiguredLimit {
  /** As in `GET /limits` and the error's `limit.name`; empty for what concerns no client. */
  readonly name: keyof LimitsWire | '';
  readonly variable: keyof typeof variables;
  readonly refusal: ErrorCode | undefined;
}

const configured: readonly ConfiguredLimit[] = [
  { name: 'max_body_bytes', variable: 'GATEWAY_MAX_BODY_BYTES', refusal: 'PAYLOAD_TOO_LARGE' },
  { name: 'max_bytes_in_flight', variable: 'GATEWAY_MAX_BYTES_IN_FLIGHT', refusal: 'QUEUE_FULL' },
  {
    name: 'max_bytes_in_flight_per_tenant',
    variable: 'GATEWAY_MAX_BYTES_IN_FLIGHT_PER_TENANT',
    refusal: 'RATE_LIMITED',
  },
  { name: 'max_waiting_jobs_per_lane', variable: 'GATEWAY_MAX_WAITING_JOBS', refusal: 'QUEUE_FULL' },
  { name: 'headers_timeout_s', variable: 'GATEWAY_HEADERS_TIMEOUT_S', refusal: 'REQUEST_TIMEOUT' },
  { name: 'upload_idle_s', variable: 'GATEWAY_UPLOAD_IDLE_S', refusal: 'REQUEST_TIMEOUT' },
  {
    name: 'upload_min_bytes_per_s',
    variable: 'GATEWAY_UPLOAD_MIN_BYTES_PER_S',
    refusal: 'REQUEST_TIMEOUT',
  },
  { name: 'request_timeout_s', variable: 'REQUEST_TIMEOUT_S', refusal: 'TIMEOUT' },
  { name: 'blob_store_bytes', variable: 'BLOB_MAX_BYTES', refusal: 'STORAGE_FULL' },
  { name: 'max_files_per_tenant', variable: 'FILE_MAX_PER_TENANT', refusal: 'RATE_LIMITED' },
  { name: 'max_file_bytes_per_tenant', variable: 'FILE_MAX_BYTES_PER_TENANT', refusal: 'RATE_LIMITED' },
  { name: 'file_lifetime_s', variable: 'FILE_TTL_S', refusal: 'NOT_FOUND' },
  { name: 'max_api_keys_per_tenant', variable: 'API_KEYS_MAX_PER_TENANT', refusal: 'RATE_LIMITED' },
  { name: '', variable: 'REQUEST_JOURNAL_TTL_S', refusal: undefined },
  { name: '', variable: 'SHIM_MAX_NUM_SEQS', refusal: undefined },
  { name: '', variable: 'SHIM_MAX_WAITING', refusal: undefined },
  { name: '', variable: 'ADAPTER_TEXT_SLOTS', refusal: undefined },
  { name: '', variable: 'ADAPTER_MEDIA_SLOTS', refusal: undefined },
  { name: '', variable: 'ADAPTER_TOKEN_BUDGET', refusal: undefined },
  { name: '', variable: 'ADAPTER_MAX_IMAGE_BYTES', refusal: undefined },
  { name: 'blob_linger_s', variable: 'BLOB_LINGER_S', refusal: undefined },
  { name: '', variable: 'LOG_TTL_S', refusal: undefined },
  { name: '', variable: 'WORKER_GRACE_S', refusal: 'MODEL_UNAVAILABLE' },
];

const refusalText = (refusal: ErrorCode | undefined): string =>
  refusal === undefined ? '' : `${catalogue[refusal].status} ${code(refusal)}`;

function configuredTable(): string {
  const rows = new Map(variableRows(variables).map((row) => [row.name, row]));
  return table(
    ['Variable', 'Default', 'Name', 'Answer', 'Meaning'],
    configured.map(({ name, variable, refusal }) => {
      const row = rows.get(variable);
      return [code(variable), row?.default ?? '', code(name), refusalText(refusal), row?.help ?? ''];
    }),
  );
}

function fixedTable(): string {
  const rows = Object.entries<FixedLimit>(fixedLimits).map(([name, { value, what, refusal }]) => [
    code(name),
    `${value}`,
    refusalText(refusal),
    what,
  ]);
  return table(
    ['Name', 'Bound', 'Answer', 'Meaning'],
    [
      ...rows,
      [
        '',
        IMAGE_FORMATS.map(code).join(', '),
        refusalText('INVALID_IMAGE'),
        'Format of an image, by content.',
      ],
      ['', `${MAX_ENVELOPE_BYTES}`, '', 'Bytes of a job in the queue; longer text travels as a blob.'],
    ],
  );
}

/** Fields whose type text holds a number are bounded ones. */
function fieldTable(request: JsonSchema): string {
  const rows = Object.entries(request.properties ?? {})
    .map(([field, schema]) => [code(field), typeText(schema)])
    .filter(([, text]) => /[≥≤…>]/.test(text ?? ''));
  return table(['Field', 'Bound'], rows);
}

const INTRODUCTION = `What bounds a request, and what a client is told that goes over. \`GET /v1/limits\` answers with
the values of the gateway that runs, and with the context of each model; errors use the same names.`;

/** `limits.md`: every bound a client or an operator can meet. */
export function limitsPage({ components }: OpenApi): Page {
  const request = components.schemas.ChatRequest;
  if (request === undefined) throw new Error('the OpenAPI document has no ChatRequest');
  const fields = `Anything else in one of these fields is ${refusalText('INVALID_REQUEST')}.`;
  return page('limits.md', 'Limits', [
    INTRODUCTION,
    `## Set by configuration\n\n${configuredTable()}`,
    `## Fixed\n\n${fixedTable()}`,
    `## Fields of a chat request\n\n${fields}\n\n${fieldTable(request)}`,
  ]);
}
