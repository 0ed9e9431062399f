import { type ErrorCode, FoveaError } from '@fovea/errors';
import { toOpenAiBody, toPhariaBody } from '../http/error-body.js';
import { errorHeaders } from './answer-headers.js';
import type { Json, RouteSpec } from './routes/route-spec.js';

/** What an error of that code says beside its text, where it says more. */
const told: Partial<Record<ErrorCode, NonNullable<ConstructorParameters<typeof FoveaError>[1]>>> = {
  INVALID_REQUEST: { message: 'model: expected string, found nothing', param: 'model' },
  MISSING_CAPABILITY: { param: 'model' },
  UNKNOWN_MODEL: { param: 'model' },
  PAYLOAD_TOO_LARGE: { limit: { name: 'max_body_bytes', value: 134_217_728 } },
  IMAGE_TOO_LARGE: { limit: { name: 'max_image_side_px', value: 4000, actual: 4001 } },
};

/** Errors of one status: each code with the body that it comes with. */
function errorAnswer({ errorBody }: RouteSpec, status: number, codes: readonly ErrorCode[]): Json {
  const toBody = errorBody === 'OpenAiError' ? toOpenAiBody : toPhariaBody;
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: toBody(new FoveaError(code, told[code] ?? {})) }]),
  );
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: errorHeaders(status),
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${errorBody}` }, examples } },
  };
}

/** The refusals of a route, by status. */
export function errorAnswers(route: RouteSpec): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const { status, code } of route.errors) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), errorAnswer(route, status, codes)]),
  );
}
