import { describe, expect, it } from '@jest/globals';
import { encodeAddition, type GraphNode, readGraph, rewireFirstInput } from './graph-nodes.js';
import { planLastLogits } from './last-logits.js';

const norm: GraphNode = { operator: 'LayerNormalization', inputs: ['x', 'scale'], outputs: ['hidden'] };
const head: GraphNode = { operator: 'MatMul', inputs: ['hidden', 'lm_head'], outputs: ['scores'] };
const cast: GraphNode = { operator: 'Cast', inputs: ['scores'], outputs: ['logits'] };

describe('logits of the last tokens alone', () => {
  it('are made of a slice before the multiplication with the vocabulary', () => {
    const plan = planLastLogits([norm, head, cast]);
    expect(plan?.head).toEqual({ output: 'scores', input: '~~~~~~' });
    const { nodes, inputs } = readGraph(plan!.addition);
    expect(inputs).toEqual([{ name: 'num_logits_to_keep', type: 'int64', shape: [] }]);
    expect(nodes.at(-1)).toMatchObject({ operator: 'Slice', outputs: ['~~~~~~'] });
    expect(nodes.at(-1)?.inputs[0]).toBe('hidden');
  });

  it('get a name that nothing else has', () => {
    const other: GraphNode = { operator: 'Add', inputs: ['~~~~~~', '^^^^^^'], outputs: ['y'] };
    expect(planLastLogits([norm, head, cast, other])?.head.input).toBe('______');
  });

  it.each([
    ['made by nothing', [norm]],
    ['made of an input of the graph', [head, cast]],
    ['added to something else', [norm, head, { ...cast, operator: 'Add', inputs: ['scores', 'bias'] }]],
    ['made by another operator', [norm, { ...head, operator: 'MatMulInteger' }, cast]],
  ])('are not planned where they are %s', (_how, nodes) => {
    expect(planLastLogits(nodes)).toBeUndefined();
  });
});

describe('a node of a model file', () => {
  const model = () =>
    encodeAddition({
      nodes: [
        { operator: 'Neg', inputs: ['long'], output: 'a' },
        { operator: 'Add', inputs: ['long', 'b'], output: 'c' },
      ],
      outputs: [],
      constants: {},
    });

  it('reads its first input from elsewhere, and no other node does', () => {
    const bytes = model();
    rewireFirstInput(bytes, 'c', 'else');
    expect(readGraph(bytes).nodes.map(({ inputs }) => inputs)).toEqual([['long'], ['else', 'b']]);
  });

  it.each([
    ['a name of another length', 'c', 'short'],
    ['a node that is not there', 'd', 'else'],
  ])('is left alone with %s', (_what, output, to) => {
    const bytes = model();
    expect(() => rewireFirstInput(bytes, output, to)).toThrow('cannot read');
    expect(bytes).toEqual(model());
  });
});
