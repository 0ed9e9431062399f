import type { ResponseFormatWire } from '@fovea/schemas/http';
import type { ResponseFormat } from '@fovea/schemas/jobs';
import type { Capabilities } from '@fovea/schemas/model-package';
import { checkJsonSchema } from '../../json-schema/check-json-schema.js';
import { missing } from '../../tasks/refusals.js';

/** What the answer has to look like; undefined for plain text. Throws as `toTools` does. */
export function toResponseFormat(
  wire: ResponseFormatWire | undefined,
  { structuredOutput }: Capabilities,
): ResponseFormat | undefined {
  if (wire === undefined || wire.type === 'text') return undefined;
  if (!structuredOutput.includes(wire.type)) {
    throw missing(`This model does not offer the response format ${wire.type}.`, 'response_format.type');
  }
  if (wire.type === 'json_object') return wire;
  const { name, schema, description, strict } = wire.json_schema;
  checkJsonSchema(schema, ['response_format', 'json_schema', 'schema']);
  return {
    type: 'json_schema',
    name,
    schema,
    ...(description == null ? {} : { description }),
    ...(strict == null ? {} : { strict }),
  };
}
