import { encodeAddition, type GraphNode } from './graph-nodes.js';

/** How a graph without `num_logits_to_keep` is given that input. */
export interface LastLogits {
  /** An output of the node that multiplies with the vocabulary, and what its first input is to be called. */
  readonly head: { readonly output: string; readonly input: string };
  /** To be put behind the model file. */
  readonly addition: Uint8Array;
}

/** Name of the input in the exports that have it: logits of so many last tokens are made; 0: of all. */
export const LOGITS_TO_KEEP = 'num_logits_to_keep';

const headOperators = new Set(['MatMul', 'MatMulNBits']);
/** They treat each token alone and have one input that is not a constant. */
const transparentOperators = new Set(['Identity', 'Cast', 'Tanh']);
const LARGEST_INT64 = Number.MAX_SAFE_INTEGER;

const isPast = (name: string): boolean => name.startsWith('past_key_values.');

/** A name of as many bytes that nothing in the graph has. */
function freeName(length: number, taken: ReadonlySet<string>): string | undefined {
  for (const letter of '~^_%') {
    const name = letter.repeat(length);
    if (!taken.has(name)) return name;
  }
  return undefined;
}

/** The multiplication that makes `logits`, behind operators that change no shape. */
function headOf(producers: ReadonlyMap<string, GraphNode>): GraphNode | undefined {
  for (let node = producers.get('logits'); node !== undefined; ) {
    if (headOperators.has(node.operator)) return node;
    if (!transparentOperators.has(node.operator)) return undefined;
    node = producers.get(node.inputs[0] ?? '');
  }
  return undefined;
}

/**
 * Only the last token of a prompt has a successor to be sampled, and the multiplication with the vocabulary is up to
 * half of a small model. A `Slice` before it leaves the last tokens over. Undefined where the graph makes its logits
 * in another way than exports do; it then makes those of every token.
 */
export function planLastLogits(nodes: readonly GraphNode[]): LastLogits | undefined {
  const producers = new Map<string, GraphNode>();
  for (const node of nodes) for (const output of node.outputs) producers.set(output, node);
  const head = headOf(producers);
  const hidden = head?.inputs[0];
  const output = head?.outputs[0];
  // Without a node before it, it would be an input of the graph.
  if (hidden === undefined || output === undefined || !producers.has(hidden) || isPast(hidden)) {
    return undefined;
  }
  const taken = new Set(nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  const input = freeName(new TextEncoder().encode(hidden).length, taken);
  if (input === undefined) return undefined;
  const own = (part: string) => `${LOGITS_TO_KEEP}.${part}`;
  const addition = encodeAddition({
    inputs: [LOGITS_TO_KEEP],
    nodes: [
      { operator: 'Neg', inputs: [LOGITS_TO_KEEP], output: own('negative') },
      { operator: 'Reshape', inputs: [own('negative'), own('one')], output: own('from') },
      {
        operator: 'Slice',
        inputs: [hidden, own('from'), own('end'), own('one')],
        output: input,
      },
    ],
    outputs: [],
    constants: { [own('one')]: [1], [own('end')]: [LARGEST_INT64] },
  });
  return { head: { output, input }, addition };
}
