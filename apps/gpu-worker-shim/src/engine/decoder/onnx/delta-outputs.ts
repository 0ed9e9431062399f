import type { CacheTensor } from '../graph-facts.js';
import { dataTypes, encodeAddition, type GraphNode, type NewNode } from './graph-nodes.js';

/** How a graph can tell the keys and values of its new tokens alone. */
export interface DeltaOutputs {
  /** Output with `[rows, heads, 1, headSize]` numbers of the one new token, by the name of its past input. */
  readonly names: ReadonlyMap<string, string>;
  /**
   * The same for a run of tokens of one row, `[1, heads, tokens, headSize]`. What ONNX Runtime hands over is copied to
   * JavaScript by code that ends the process when there is no memory; so a pass must not hand over all the past.
   */
  readonly runNames: ReadonlyMap<string, string>;
  /** To be put behind the model file. */
  readonly addition: Uint8Array;
  /** `gqa`: rows know their lengths, and a new token stands behind its row's last. `plain`: it stands behind all. */
  readonly attention: 'gqa' | 'plain';
}

const GQA = 'GroupQueryAttention';
/** Places of the operator's inputs and outputs, as the contrib operator's schema numbers them. */
const GQA_SEQLENS_INPUT = 5;
const GQA_PRESENT_OUTPUTS = [1, 2];

interface Additions {
  readonly nodes: NewNode[];
  readonly constants: Record<string, readonly number[]>;
}

const nameOf = ({ past }: CacheTensor): string => past.replace('past_key_values', 'delta');
const runNameOf = ({ past }: CacheTensor): string => past.replace('past_key_values', 'run');
const TOKEN_AXIS = 2;
const LARGEST_INT64 = Number.MAX_SAFE_INTEGER;

/** The token each row has just been given stands at index `seqlens_k` of its `present` row. */
function gatherLast(tensor: CacheTensor, seqlens: string, to: Additions): string {
  const name = nameOf(tensor);
  to.nodes.push(
    { operator: 'Cast', inputs: [seqlens], output: `${name}.length`, attributes: { to: dataTypes.int64 } },
    { operator: 'Reshape', inputs: [`${name}.length`, `${name}.column`], output: `${name}.lengths` },
    { operator: 'Expand', inputs: [`${name}.lengths`, `${name}.shape`], output: `${name}.index` },
    {
      operator: 'GatherElements',
      inputs: [tensor.present, `${name}.index`],
      output: name,
      attributes: { axis: 2 },
    },
  );
  to.constants[`${name}.column`] = [-1, 1, 1, 1];
  to.constants[`${name}.shape`] = [1, tensor.heads, 1, tensor.headSize];
  return name;
}

/** `present` is the past of one row and the run behind it. In a step of several rows this gives nothing of use. */
function sliceRuns(cache: readonly CacheTensor[], to: Additions): void {
  to.nodes.push(
    { operator: 'Shape', inputs: [cache[0]?.past ?? ''], output: 'run.past' },
    { operator: 'Slice', inputs: ['run.past', 'run.axis', 'run.behind', 'run.first'], output: 'run.from' },
  );
  for (const tensor of cache) {
    const inputs = [tensor.present, 'run.from', 'run.end', 'run.axis'];
    to.nodes.push({ operator: 'Slice', inputs, output: runNameOf(tensor) });
  }
  to.constants['run.first'] = [0];
  to.constants['run.axis'] = [TOKEN_AXIS];
  to.constants['run.behind'] = [TOKEN_AXIS + 1];
  to.constants['run.end'] = [LARGEST_INT64];
}

function deltaOf(tensor: CacheTensor, producer: GraphNode | undefined, to: Additions): string | undefined {
  const { operator, inputs = [], outputs = [] } = producer ?? {};
  if (operator === GQA && GQA_PRESENT_OUTPUTS.includes(outputs.indexOf(tensor.present))) {
    const seqlens = inputs[GQA_SEQLENS_INPUT];
    return seqlens ? gatherLast(tensor, seqlens, to) : undefined;
  }
  // The cache first, the new tokens behind it: the second input is what is wanted.
  if (operator !== 'Concat' || inputs.length !== 2 || inputs[0] !== tensor.past) return undefined;
  const name = nameOf(tensor);
  to.nodes.push({ operator: 'Identity', inputs: [inputs[1] ?? ''], output: name });
  return name;
}

/**
 * Looks at what makes each `present` tensor. Undefined when a graph makes them in another way than the two that exports
 * have, or in both; the caller then has to pass whole caches through.
 */
export function planDeltaOutputs(
  nodes: readonly GraphNode[],
  cache: readonly CacheTensor[],
): DeltaOutputs | undefined {
  const producers = new Map<string, GraphNode>();
  for (const node of nodes) for (const output of node.outputs) producers.set(output, node);
  const additions: Additions = { nodes: [], constants: {} };
  const names = new Map<string, string>();
  const operators = new Set<string>();
  for (const tensor of cache) {
    const producer = producers.get(tensor.present);
    const name = deltaOf(tensor, producer, additions);
    if (name === undefined || producer === undefined) return undefined;
    names.set(tensor.past, name);
    operators.add(producer.operator);
  }
  if (operators.size !== 1) return undefined;
  const isGqa = operators.has(GQA);
  if (isGqa) sliceRuns(cache, additions);
  const runNames = isGqa ? new Map(cache.map((tensor) => [tensor.past, runNameOf(tensor)])) : names;
  const outputs = [names, ...(isGqa ? [runNames] : [])].flatMap((some) =>
    cache.map(({ past, type }) => ({ name: some.get(past) ?? '', type })),
  );
  return {
    names,
    runNames,
    addition: encodeAddition({ ...additions, outputs }),
    attention: isGqa ? 'gqa' : 'plain',
  };
}
