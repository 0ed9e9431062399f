import { describe, expect, it } from '@jest/globals';
import type { CacheTensor } from '../graph-facts.js';
import { planDeltaOutputs } from './delta-outputs.js';
import { encodeAddition, type GraphNode, readGraph } from './graph-nodes.js';
import { readFields } from './protobuf.js';

const cache: readonly CacheTensor[] = ['key', 'value'].map((kind) => ({
  past: `past_key_values.0.${kind}`,
  present: `present.0.${kind}`,
  type: 'float16',
  heads: 3,
  headSize: 64,
}));

const concat = (kind: string, first = `past_key_values.0.${kind}`): GraphNode => ({
  operator: 'Concat',
  inputs: [first, `new.${kind}`],
  outputs: [`present.0.${kind}`],
});
const gqa: GraphNode = {
  operator: 'GroupQueryAttention',
  inputs: ['q', 'k', 'v', cache[0]!.past, cache[1]!.past, 'seqlens_k', 'total'],
  outputs: ['attended', 'present.0.key', 'present.0.value'],
};

describe('outputs for the last token alone', () => {
  it('are the second inputs of the Concat nodes that make the cache', () => {
    const plan = planDeltaOutputs([concat('key'), concat('value')], cache);
    expect(plan?.attention).toBe('plain');
    expect([...(plan?.names ?? [])]).toEqual([
      ['past_key_values.0.key', 'delta.0.key'],
      ['past_key_values.0.value', 'delta.0.value'],
    ]);
    const added = readGraph(plan!.addition);
    expect(added.nodes).toEqual([
      { operator: 'Identity', inputs: ['new.key'], outputs: ['delta.0.key'] },
      { operator: 'Identity', inputs: ['new.value'], outputs: ['delta.0.value'] },
    ]);
    // They are those of all tokens of a run, too.
    expect(plan?.runNames).toEqual(plan?.names);
    expect(added.outputs.map(({ name, type }) => [name, type])).toEqual([
      ['delta.0.key', 'float16'],
      ['delta.0.value', 'float16'],
    ]);
  });

  it('are gathered at each row’s length from the cache that GroupQueryAttention gives', () => {
    const plan = planDeltaOutputs([gqa], cache);
    expect(plan?.attention).toBe('gqa');
    const { nodes } = readGraph(plan!.addition);
    expect(nodes.map(({ operator }) => operator).slice(0, 4)).toEqual([
      'Cast',
      'Reshape',
      'Expand',
      'GatherElements',
    ]);
    expect(nodes[0]?.inputs).toEqual(['seqlens_k']);
    expect(nodes[3]).toMatchObject({
      inputs: ['present.0.key', expect.any(String)],
      outputs: ['delta.0.key'],
    });
  });

  it('of a whole run are what GroupQueryAttention gives behind the past', () => {
    const plan = planDeltaOutputs([gqa], cache);
    expect([...(plan?.runNames ?? [])]).toEqual([
      ['past_key_values.0.key', 'run.0.key'],
      ['past_key_values.0.value', 'run.0.value'],
    ]);
    const { nodes, outputs } = readGraph(plan!.addition);
    const slice = nodes.find((node) => node.outputs.includes('run.0.value'));
    expect(slice).toMatchObject({
      operator: 'Slice',
      inputs: ['present.0.value', 'run.from', 'run.end', 'run.axis'],
    });
    const from = nodes.find((node) => node.outputs.includes('run.from'));
    expect(from).toMatchObject({ operator: 'Slice', inputs: expect.arrayContaining(['run.past']) });
    expect(nodes).toContainEqual({
      operator: 'Shape',
      inputs: ['past_key_values.0.key'],
      outputs: ['run.past'],
    });
    expect(outputs.map(({ name }) => name)).toEqual([
      'delta.0.key',
      'delta.0.value',
      'run.0.key',
      'run.0.value',
    ]);
  });

  it.each([
    ['made by another operator', [{ ...concat('key'), operator: 'ScatterND' }, concat('value')]],
    ['made by nothing', [concat('key')]],
    ['put before the cache', [concat('key', 'something'), concat('value')]],
    ['without lengths', [{ ...gqa, inputs: gqa.inputs.slice(0, 5) }]],
    [
      'made in two ways',
      [concat('key'), gqa].map((node, at) =>
        at === 1 ? { ...gqa, outputs: ['a', 'b', 'present.0.value'] } : node,
      ),
    ],
  ])('are not planned where the cache is %s', (_how, nodes) => {
    expect(planDeltaOutputs(nodes, cache)).toBeUndefined();
  });
});

describe('a model file', () => {
  const addition = encodeAddition({
    nodes: [{ operator: 'Cast', inputs: ['a'], output: 'b', attributes: { to: 7 } }],
    outputs: [{ name: 'b', type: 'int64' }],
    constants: { c: [-1, 300] },
  });

  it('holds both graphs when one is put behind the other', () => {
    const { nodes, outputs } = readGraph(Buffer.concat([addition, addition]));
    expect(nodes).toHaveLength(2);
    expect(outputs).toEqual([
      { name: 'b', type: 'int64', shape: [] },
      { name: 'b', type: 'int64', shape: [] },
    ]);
  });

  it.each([
    ['nothing', new Uint8Array(), 'no graph'],
    ['text', new TextEncoder().encode('not a model'), 'not a protobuf message'],
    ['half a file', addition.subarray(0, addition.length / 2), 'not a protobuf message'],
  ])('of %s is refused', (_what, bytes, message) => {
    expect(() => readGraph(bytes)).toThrow(message);
  });

  it('may have numbers of ten bytes, which are negative', () => {
    const minusOne = Uint8Array.from([8, ...new Array(9).fill(255), 1]);
    expect([...readFields(minusOne)]).toEqual([{ number: 1, varint: -1n }]);
  });
});
