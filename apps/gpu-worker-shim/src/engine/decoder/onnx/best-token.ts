import { encodeAddition } from './graph-nodes.js';

/**
 * Outputs that tell the token with the highest logit, for rows that want no more. The vocabulary is cut into blocks of
 * equal size: the graph gives, per row, which block holds the highest logit and that block's logits.
 */
export interface BestToken {
  readonly blockSize: number;
  /** Name of the output `[rows, tokens, 1]`: a block's number, from 0. */
  readonly block: string;
  /** Name of the output `[rows, tokens, blockSize]`. */
  readonly logits: string;
  /** To be put behind the model file. */
  readonly addition: Uint8Array;
}

/** Blocks as many as large would be best; with ones this far from it the graph would copy most of the vocabulary. */
const WORST_SHARE = 1 / 8;
/** From here on `GatherND` has batches. */
const FIRST_OPSET = 12;
/** From here on `ReduceMax` takes its axes as an input. */
const AXES_ARE_INPUT_FROM = 18;

/** The divisor nearest to the root. */
function blockSizeOf(vocabularySize: number): number {
  let size = Math.floor(Math.sqrt(vocabularySize));
  while (vocabularySize % size !== 0) size -= 1;
  return vocabularySize / size;
}

/**
 * Logits of a large batch are megabytes that ONNX Runtime copies and JavaScript reads one by one; of a greedy row all
 * that matters is where the highest is. Undefined for an older graph, and for a vocabulary that cannot be
 * cut into blocks of a fair size.
 *
 * @param opset version of the standard operators that the graph is written for
 */
export function planBestToken(vocabularySize: number, opset: number): BestToken | undefined {
  const blockSize = blockSizeOf(vocabularySize);
  if (opset < FIRST_OPSET || blockSize > vocabularySize * WORST_SHARE) return undefined;
  const own = (part: string) => `best_token.${part}`;
  const axes = [3];
  const reduce =
    opset >= AXES_ARE_INPUT_FROM
      ? { constants: { [own('axes')]: axes }, inputs: [own('axes')], attributes: {} }
      : { constants: {}, inputs: [], attributes: { axes } };
  const addition = encodeAddition({
    nodes: [
      { operator: 'Reshape', inputs: ['logits', own('shape')], output: own('blocks') },
      {
        operator: 'ReduceMax',
        inputs: [own('blocks'), ...reduce.inputs],
        output: own('highest'),
        attributes: { ...reduce.attributes, keepdims: 0 },
      },
      { operator: 'ArgMax', inputs: [own('highest')], output: own('block'), attributes: { axis: 2 } },
      {
        operator: 'GatherND',
        inputs: [own('blocks'), own('block')],
        output: own('logits'),
        attributes: { batch_dims: 2 },
      },
    ],
    outputs: [
      { name: own('block'), type: 'int64' },
      { name: own('logits'), type: 'float32' },
    ],
    // 0: as many as there are.
    constants: { ...reduce.constants, [own('shape')]: [0, 0, -1, blockSize] },
  });
  return { blockSize, block: own('block'), logits: own('logits'), addition };
}
