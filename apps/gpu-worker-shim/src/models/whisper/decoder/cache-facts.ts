import type { TensorFacts } from '../../../engine/decoder/graph-facts.js';

/** One tensor of keys or values. */
export interface CacheFacts {
  /** `past_key_values.0.decoder.key` */
  readonly past: string;
  /** `present.0.decoder.key` */
  readonly present: string;
  /** Keys and values of the sound: the same in all steps of a window. */
  readonly isOfSound: boolean;
  readonly heads: number;
  readonly headSize: number;
}

const pastName = /^past_key_values\.\d+\.(decoder|encoder)\.(key|value)$/;
const otherInputs = ['input_ids', 'encoder_hidden_states', 'use_cache_branch'];

/** Reads the cache off a merged decoder. Throws an `Error` with the reason when it cannot be run. */
export function readCacheFacts(
  inputs: readonly TensorFacts[],
  outputs: readonly TensorFacts[],
): CacheFacts[] {
  const names = inputs.map(({ name }) => name);
  const unknown = names.find((name) => !otherInputs.includes(name) && !pastName.test(name));
  if (unknown !== undefined) throw new Error(`the graph needs "${unknown}", which is not supported`);
  const missing = otherInputs.find((name) => !names.includes(name));
  if (missing !== undefined) throw new Error(`the graph takes no "${missing}": it is no merged decoder`);
  const given = new Map(outputs.map((output) => [output.name, output]));
  if (given.get('logits')?.type !== 'float32') throw new Error('the graph gives no float32 "logits"');
  return inputs
    .filter(({ name }) => pastName.test(name))
    .map(({ name: past, type, shape }) => {
      const present = past.replace('past_key_values', 'present');
      const [, heads, , headSize] = shape;
      if (type !== 'float32' || typeof heads !== 'number' || typeof headSize !== 'number') {
        throw new Error(`"${past}" is not float32 with a fixed number and size of heads`);
      }
      if (!given.has(present)) throw new Error(`the graph gives no "${present}"`);
      return { past, present, isOfSound: past.includes('.encoder.'), heads, headSize };
    });
}
