import type { EmbeddingAnswer } from '../../models/embedding-model.js';
import type { EmbeddingFields } from './embedding-fields.js';

/** What an answer begins with. */
export interface EmbeddingHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
}

/** How vectors are written. */
export type VectorForm = Pick<EmbeddingFields, 'encoding_format' | 'endianness'>;

const FLOAT_BYTES = 4;

/** Float32 whatever the machine's own order of bytes. */
function toBase64(vector: Float32Array, isBigEndian: boolean): string {
  const bytes = Buffer.allocUnsafe(vector.length * FLOAT_BYTES);
  for (const [at, value] of vector.entries()) {
    if (isBigEndian) bytes.writeFloatBE(value, at * FLOAT_BYTES);
    else bytes.writeFloatLE(value, at * FLOAT_BYTES);
  }
  return bytes.toString('base64');
}

/** The JSON answer in pieces, one per vector: thousands of them are written while others are served. */
export function* toEmbeddingJson(
  head: EmbeddingHead,
  { vectors, promptTokens }: EmbeddingAnswer,
  form: VectorForm,
): Generator<string, void> {
  const { id, created, model } = head;
  yield `${JSON.stringify({ id, object: 'list', created, model }).slice(0, -1)},"data":[`;
  for (const [index, vector] of vectors.entries()) {
    const embedding =
      form.encoding_format === 'base64' ? toBase64(vector, form.endianness === 'big') : Array.from(vector);
    yield (index === 0 ? '' : ',') + JSON.stringify({ index, object: 'embedding', embedding });
  }
  const usage = {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens,
    completion_tokens: 0,
    prompt_tokens_details: null,
  };
  yield `],"usage":${JSON.stringify(usage)}}`;
}
