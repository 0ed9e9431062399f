import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import type { EmbedAnswer, EmbedRequest } from '../../index.js';
import { inRequestOrder, poolingUsageSchema, promptTokensOf } from './pooling-answer.js';

const answerSchema = z.object({
  data: z.array(
    z.object({
      index: z.number().int().nonnegative(),
      embedding: z.union([z.base64(), z.array(z.number())]),
    }),
  ),
  usage: poolingUsageSchema,
});

function broken(detail: string): FoveaError {
  return new FoveaError('BACKEND_ERROR', { detail });
}

/** Little-endian float32 whatever the machine. */
function encode(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeFloatLE(value, at * 4);
  return bytes;
}

function checkFinite(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += 4) {
    // Exponent bits all set: infinite, or no number.
    if ((bytes.readUInt32LE(at) & 0x7f800000) === 0x7f800000)
      throw broken('a vector holds what is no number');
  }
}

function toVector(embedding: string | readonly number[]): Buffer {
  const bytes = typeof embedding === 'string' ? Buffer.from(embedding, 'base64') : encode(embedding);
  if (bytes.length === 0 || bytes.length % 4 !== 0) throw broken(`a vector has ${bytes.length} bytes`);
  checkFinite(bytes);
  return bytes;
}

/**
 * The answer to `/v1/embeddings`. Base64 is asked for; engines that know only numbers answer with those. Throws
 * `BACKEND_ERROR` unless there is one vector of one length, the one asked for, per input.
 */
export function readEmbeddings(value: unknown, request: EmbedRequest): EmbedAnswer {
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) throw broken(`not an answer with vectors: ${z.prettifyError(parsed.error)}`);
  const { data, usage } = parsed.data;
  const vectors = inRequestOrder(data, request.inputs.length).map(({ embedding }) => toVector(embedding));
  const bytes = request.dimensions === undefined ? vectors[0]?.length : request.dimensions * 4;
  const odd = vectors.find((vector) => vector.length !== bytes);
  if (odd !== undefined) throw broken(`a vector has ${odd.length / 4} dimensions, not ${(bytes ?? 0) / 4}`);
  return { vectors: vectors.map((vector) => vector.toString('base64')), promptTokens: promptTokensOf(usage) };
}
