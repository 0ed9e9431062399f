import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import type { EngineModel } from '../../index.js';

const cardSchema = z.object({
  id: z.string(),
  /** The model a LoRA adapter belongs to. */
  parent: z.string().nullish(),
  max_model_len: z.number().int().positive().nullish(),
});
const listSchema = z.object({ data: z.array(cardSchema) });

/**
 * The models of `/v1/models`. vLLM names the context length of its own models and not that of their LoRA adapters, who
 * have their parent's; other servers name none, and `fallback` is what their operator says it is. Throws
 * `BACKEND_ERROR` when nobody says.
 */
export function readModels(value: unknown, fallback: number | undefined): EngineModel[] {
  const parsed = listSchema.safeParse(value);
  if (!parsed.success) {
    const detail = `/v1/models is no list of models: ${z.prettifyError(parsed.error)}`;
    throw new FoveaError('BACKEND_ERROR', { detail });
  }
  const { data } = parsed.data;
  const lengths = new Map(data.map(({ id, max_model_len }) => [id, max_model_len]));
  return data.map(({ id, parent, max_model_len }) => {
    const maxModelLen = max_model_len ?? lengths.get(parent ?? '') ?? fallback;
    if (maxModelLen != null) return { id, maxModelLen };
    const detail = `/v1/models does not say the max_model_len of ${id}, and neither does the worker file`;
    throw new FoveaError('BACKEND_ERROR', { detail });
  });
}
