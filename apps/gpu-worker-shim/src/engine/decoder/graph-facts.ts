/** The part of ONNX Runtime's value metadata that is read here. */
export interface TensorFacts {
  readonly name: string;
  readonly type: string;
  /** Numbers are fixed, strings are symbols. */
  readonly shape: readonly (number | string)[];
}

/** One past key or value tensor and the output that continues it. */
export interface CacheTensor {
  readonly past: string;
  readonly present: string;
  readonly type: 'float32' | 'float16';
  readonly heads: number;
  readonly headSize: number;
}

/** What a merged decoder graph says of itself. */
export interface DecoderFacts {
  /** Floats of an embedding; undefined when the graph takes `input_ids` and looks them up itself. */
  readonly hiddenSize: number | undefined;
  readonly vocabularySize: number;
  readonly cache: readonly CacheTensor[];
  readonly takesAttentionMask: boolean;
  readonly takesPositions: boolean;
  readonly takesLogitsToKeep: boolean;
}

const pastName = /^past_key_values\.(\d+)\.(key|value)$/;

function fixed(tensor: TensorFacts, axis: number): number {
  const size = tensor.shape.at(axis);
  if (typeof size === 'number') return size;
  throw new Error(`"${tensor.name}" has no fixed size on axis ${axis} (shape ${tensor.shape.join('×')})`);
}

function demand(tensor: TensorFacts | undefined, name: string, type: string): TensorFacts {
  if (tensor === undefined) throw new Error(`the graph has no "${name}"`);
  if (tensor.type !== type) throw new Error(`"${name}" is ${tensor.type}, only ${type} is supported`);
  return tensor;
}

function readCacheTensor(past: TensorFacts, outputs: ReadonlyMap<string, TensorFacts>): CacheTensor {
  const present = past.name.replace('past_key_values', 'present');
  if (past.type !== 'float32' && past.type !== 'float16') {
    throw new Error(`"${past.name}" is ${past.type}, only float32 and float16 are supported`);
  }
  if (past.shape.length !== 4) throw new Error(`"${past.name}" has ${past.shape.length} axes instead of 4`);
  demand(outputs.get(present), present, past.type);
  return { past: past.name, present, type: past.type, heads: fixed(past, 1), headSize: fixed(past, 3) };
}

const optionalInputs = ['attention_mask', 'position_ids', 'num_logits_to_keep'];

/**
 * Reads what a decoder graph takes and gives. Throws an `Error` with the reason when it needs something that this
 * server does not feed; guessing would give fluent nonsense.
 */
export function readDecoderFacts(
  inputs: readonly TensorFacts[],
  outputs: readonly TensorFacts[],
): DecoderFacts {
  const input = new Map(inputs.map((tensor) => [tensor.name, tensor]));
  const output = new Map(outputs.map((tensor) => [tensor.name, tensor]));
  const takesIds = input.has('input_ids');
  const tokens = takesIds
    ? demand(input.get('input_ids'), 'input_ids', 'int64')
    : demand(input.get('inputs_embeds'), 'inputs_embeds', 'float32');
  const past = inputs.filter((tensor) => pastName.test(tensor.name));
  const known = new Set([...optionalInputs, tokens.name, ...past.map((tensor) => tensor.name)]);
  const unknown = inputs.find((tensor) => !known.has(tensor.name));
  if (unknown !== undefined) throw new Error(`the graph needs "${unknown.name}", which is not supported`);
  if (past.length === 0) throw new Error('the graph has no KV cache inputs');
  for (const name of optionalInputs) if (input.has(name)) demand(input.get(name), name, 'int64');
  const positions = input.get('position_ids');
  if (positions !== undefined && positions.shape.length !== 2) {
    throw new Error(`"position_ids" has ${positions.shape.length} axes, only 2 are supported`);
  }
  return {
    hiddenSize: takesIds ? undefined : fixed(tokens, 2),
    vocabularySize: fixed(demand(output.get('logits'), 'logits', 'float32'), 2),
    cache: past.map((tensor) => readCacheTensor(tensor, output)),
    takesAttentionMask: input.has('attention_mask'),
    takesPositions: positions !== undefined,
    takesLogitsToKeep: input.has('num_logits_to_keep'),
  };
}

/** Throws an `Error` with the reason when a graph does not make embeddings of that many floats from token ids. */
export function assertEmbeds(
  inputs: readonly TensorFacts[],
  outputs: readonly TensorFacts[],
  hiddenSize: number,
): void {
  const find = (tensors: readonly TensorFacts[], name: string) =>
    tensors.find((tensor) => tensor.name === name);
  demand(find(inputs, 'input_ids'), 'input_ids', 'int64');
  const other = inputs.find(({ name }) => name !== 'input_ids');
  if (other !== undefined) throw new Error(`the graph needs "${other.name}", which is not supported`);
  const embeddings = demand(find(outputs, 'inputs_embeds'), 'inputs_embeds', 'float32');
  const floats = embeddings.shape.at(-1);
  if (typeof floats === 'number' && floats !== hiddenSize) {
    throw new Error(`embeddings have ${floats} floats, the decoder takes ${hiddenSize}`);
  }
}
