import { Readable } from 'node:stream';
import { crc32, gzipSync } from 'node:zlib';
import { FoveaError } from '@fovea/errors';
import { createImageInspector } from '@fovea/image-preprocessing';
import type { JobQueue } from '@fovea/job-queue';
import { type LimitsWire, limitsSchema } from '@fovea/schemas/http';
import { afterAll, describe, expect, it } from '@jest/globals';
import { grantedPermissions } from '../accounts/privileges.js';
import { Admission } from '../admission/admission.js';
import type { ApiKeyStore } from '../auth/api-key-store.js';
import { CreatedKeys } from '../auth/created-keys.js';
import { toCompletionsTask } from '../completion/openai/to-completions-task.js';
import { listingOf } from '../completion/testing/listing.js';
import { parseEmbeddings } from '../embeddings/embeddings-handler.js';
import { parseBatch } from '../embeddings/semantic-handler.js';
import { MAX_IMAGE_SIDE_PX, readGatewayConfig } from '../gateway.config.js';
import { chatMedia } from '../ingest/media/media-places.js';
import { StreamingBodyReader } from '../ingest/streaming-body-reader.js';
import { TextParser } from '../ingest/text/text-parser.js';
import { checkJsonSchema } from '../json-schema/check-json-schema.js';
import { checkPattern } from '../json-schema/check-pattern.js';
import { readForm, readTextField } from '../multipart/read-form.js';
import { parseRerank } from '../rerank/rerank-handler.js';
import { parseContentEncoding } from '../upload/content-encoding.js';
import { decompress } from '../upload/decompress.js';
import { LargeWindows } from '../upload/large-windows.js';
import { head, RawClient, startUploadServer } from '../upload/testing/upload-server.js';
import { UploadPace } from '../upload/upload-pace.js';
import { fixedLimits } from './fixed-limits.js';
import { toLimits } from './limits-wire.js';

const config = readGatewayConfig({
  GATEWAY_API_KEYS: 'a:b',
  REDIS_URL: 'redis://127.0.0.1',
  BLOB_STORE_URL: 'file:///tmp',
  GATEWAY_MAX_BODY_BYTES: '8000000',
});
const listed = toLimits(config, []);
const texts = new TextParser();
afterAll(() => texts.close());

async function readBody(text: string): Promise<void> {
  const reader = new StreamingBodyReader({ maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES, texts });
  const sink = () => Promise.reject(new Error('no medium was expected'));
  const { signal } = new AbortController();
  await reader.read(Readable.from([Buffer.from(text)]), { sink, signal, places: chatMedia });
}
const image = (url: string): string =>
  `{"messages":[{"content":[{"type":"image_url","image_url":{"url":"${url}"}}]}]}`;
const list = (count: number, element: string): string => `[${Array(count).fill(element).join(',')}]`;

async function readParts(heads: readonly string[], content = ''): Promise<void> {
  const parts = heads.map((text) => `--b\r\n${text}\r\n\r\n${content}\r\n`);
  const source = Readable.from([Buffer.from(`${parts.join('')}--b--\r\n`)]);
  for await (const part of readForm(source, 'b')) await readTextField(part);
}
const field = 'Content-Disposition: form-data; name="f"';

async function unpack(bytes: Buffer): Promise<void> {
  const { signal } = new AbortController();
  const watch = { maxBodyBytes: 2 ** 27, wireBytes: () => bytes.length, onDecoded: () => {} };
  for await (const _piece of decompress(Readable.from([bytes]), ['gzip'], {
    ...watch,
    windows: new LargeWindows(),
    signal,
  }));
}

/** The limit that a refusal on the wire names. */
async function refusedHeaders(bytes: number): Promise<void> {
  const server = await startUploadServer();
  try {
    const client = await RawClient.open(server.port);
    client.send(head(`X: ${'x'.repeat(bytes)}`));
    const { error } = JSON.parse((await client.ended()).split('\r\n\r\n')[1] ?? '');
    throw new FoveaError(error.code, { limit: error.limit });
  } finally {
    await server.close();
  }
}

type Fixed = typeof fixedLimits;
/** Goes over one limit by as little as possible, `value` being what is listed. */
const offences: Record<keyof Fixed, ((value: number) => unknown) | undefined> = {
  max_image_side_px: (value) => {
    const file = Buffer.from('89504e470d0a1a0a0000000d49484452000000000000000a080200000000000000', 'hex');
    file.writeUInt32BE(value + 1, 16);
    file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
    createImageInspector({ maxSidePx: MAX_IMAGE_SIDE_PX }, 'x').push(file);
  },
  max_text_bytes: (value) => readBody(`"${'x'.repeat(value - 1)}"`),
  max_json_depth: (value) => readBody('['.repeat(value + 1)),
  max_json_containers: (value) => readBody(list(value, '[]')),
  max_json_scalars: (value) => readBody(list(value + 1, '1')),
  max_json_keys: (value) =>
    readBody(`{${Array.from({ length: value + 1 }, (_, n) => `"${n}":1`).join(',')}}`),
  max_json_number: (value) => readBody(`-${BigInt(value) + 1n}`),
  max_data_url_head_chars: (value) => readBody(image(`data:${'x'.repeat(value - 4)},`)),
  max_content_codings: (value) =>
    parseContentEncoding(
      Array(value + 1)
        .fill('gzip')
        .join(),
    ),
  max_decompression_ratio: (value) => unpack(gzipSync(Buffer.alloc(value * 100_000))),
  max_large_brotli_windows: async (value) => {
    const windows = new LargeWindows(1);
    for (let taken = 0; taken <= value; taken += 1) await windows.enter(new AbortController().signal);
  },
  max_schema_bytes: (value) => checkJsonSchema({ title: 'x'.repeat(value - '{"title":""}'.length + 1) }, []),
  max_schema_depth: (value) => {
    let schema: Record<string, unknown> = {};
    for (let depth = 0; depth <= value; depth += 1) schema = { not: schema };
    checkJsonSchema(schema, []);
  },
  max_schema_nodes: (value) => checkJsonSchema({ enum: Array(value - 1).fill(0) }, []),
  max_schema_pattern_chars: (value) => checkPattern('x'.repeat(value + 1), 'pattern'),
  max_schema_repetitions: (value) => checkJsonSchema({ maxItems: value + 1 }, []),
  max_header_bytes: (value) => refusedHeaders(value),
  max_form_parts: (value) => readParts(Array(value + 1).fill(field)),
  max_part_header_bytes: (value) => readParts([`${field}\r\nX: ${'x'.repeat(value)}`]),
  max_file_name_length: (value) => readParts([`${field}; filename="${'x'.repeat(value + 1)}"`]),
  max_field_bytes: (value) => readParts([field], 'x'.repeat(value + 1)),
  max_api_key_description_chars: (value) => {
    const options = { maxPerTenant: 1, isTenant: () => true };
    return new CreatedKeys({} as ApiKeyStore, options).create('acme', 'x'.repeat(value + 1));
  },
  max_candidates: (value) =>
    toCompletionsTask({ model: 'm', prompt: Array(value / 16 + 1).fill('a'), n: 16 }, {}, listingOf('vllm')),
  max_embedding_inputs: (value) => parseEmbeddings({ model: 'm', input: Array(value + 1).fill('a') }),
  max_batch_prompts: (value) => parseBatch({ prompts: Array(value + 1).fill('a'), representation: 'query' }),
  max_rerank_documents: (value) =>
    parseRerank({ model: 'm', query: 'q', documents: Array(value + 1).fill('a') }),
  max_permissions: (value) =>
    grantedPermissions(Array(value + 1).fill('ExecuteJobs'), { list: () => Promise.resolve([]) }),
  // Nobody is told: the connection is closed. The early answers' own test measures it.
  max_unwanted_bytes: undefined,
  max_unwanted_s: undefined,
};

describe('GET /limits', () => {
  it('has the form that the schema says', () => {
    expect(limitsSchema.parse(listed)).toEqual(listed);
  });

  it.each(Object.entries(offences))(
    'lists %s as it is enforced and named in the refusal',
    async (name, offend) => {
      const { value, refusal } = fixedLimits[name as keyof Fixed];
      expect(listed[name as keyof LimitsWire]).toBe(value);
      expect(offend === undefined).toBe(refusal === undefined);
      if (offend === undefined) return;
      const thrown = await Promise.resolve(value)
        .then(offend)
        .then(() => undefined, FoveaError.from);
      expect(thrown).toMatchObject({ code: refusal, limit: { name, value } });
    },
  );

  it('lists what is configured under the names of the refusals', async () => {
    const admission = new Admission(
      { depth: async () => ({ waiting: 1e9, active: 0 }) } as unknown as JobQueue,
      {
        maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES,
        maxBytesInFlight: config.GATEWAY_MAX_BYTES_IN_FLIGHT,
        maxBytesInFlightPerTenant: config.GATEWAY_MAX_BYTES_IN_FLIGHT_PER_TENANT,
        maxWaitingJobsPerLane: config.GATEWAY_MAX_WAITING_JOBS,
      },
    );
    const ofBodies = (tenant: string, decoderBytes: number, declaredBytes = 1): unknown => {
      const verdict = admission.admitBody(tenant, { declaredBytes, decoderBytes });
      return verdict.admitted ? undefined : verdict.error.limit;
    };
    const job = await admission.admitJob({ checkpoint: 'c', kind: 'text' });
    const pace = (minBytesPerS: number): unknown => {
      const limits = { idleMs: config.GATEWAY_UPLOAD_IDLE_S * 1000, minBytesPerS };
      const slow = new UploadPace(limits);
      slow.wait(0);
      if (minBytesPerS > 0) for (let ms = 0; ms <= limits.idleMs * 2; ms += 1000) slow.received(1, ms);
      return slow.fault(limits.idleMs * 2);
    };
    const found = [
      ofBodies('a', 0, config.GATEWAY_MAX_BODY_BYTES + 1),
      ofBodies('a', config.GATEWAY_MAX_BYTES_IN_FLIGHT_PER_TENANT),
      [
        ofBodies('b', config.GATEWAY_MAX_BYTES_IN_FLIGHT / 2),
        ofBodies('c', config.GATEWAY_MAX_BYTES_IN_FLIGHT / 2),
      ][1],
      job.admitted ? undefined : job.error.limit,
      pace(0),
      pace(config.GATEWAY_UPLOAD_MIN_BYTES_PER_S),
    ] as { name: keyof LimitsWire; value: number }[];
    expect(found.map(({ name }) => name)).toEqual([
      'max_body_bytes',
      'max_bytes_in_flight_per_tenant',
      'max_bytes_in_flight',
      'max_waiting_jobs_per_lane',
      'upload_idle_s',
      'upload_min_bytes_per_s',
    ]);
    for (const { name, value } of found) expect([name, listed[name]]).toEqual([name, value]);
  });
});
