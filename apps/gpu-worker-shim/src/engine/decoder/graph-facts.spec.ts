import { describe, expect, it } from '@jest/globals';
import { readDecoderFacts, type TensorFacts } from './graph-facts.js';

const tensor = (name: string, type: string, ...shape: (number | string)[]): TensorFacts => ({
  name,
  type,
  shape,
});

const inputs = [
  tensor('inputs_embeds', 'float32', 'b', 's', 128),
  tensor('attention_mask', 'int64', 'b', 't'),
  tensor('position_ids', 'int64', 'b', 's'),
  tensor('past_key_values.0.key', 'float32', 'b', 2, 'p', 32),
  tensor('past_key_values.0.value', 'float32', 'b', 2, 'p', 32),
];
const outputs = [
  tensor('logits', 'float32', 'b', 's', 538),
  tensor('present.0.key', 'float32', 'b', 2, 't', 32),
  tensor('present.0.value', 'float32', 'b', 2, 't', 32),
];
const without = (list: TensorFacts[], name: string) => list.filter((one) => one.name !== name);
const changed = (list: TensorFacts[], one: TensorFacts) => [...without(list, one.name), one];

describe('facts of a decoder graph', () => {
  it('are read from its inputs and outputs', () => {
    expect(readDecoderFacts(inputs, outputs)).toEqual({
      hiddenSize: 128,
      vocabularySize: 538,
      cache: ['key', 'value'].map((kind) => ({
        past: `past_key_values.0.${kind}`,
        present: `present.0.${kind}`,
        type: 'float32',
        heads: 2,
        headSize: 32,
      })),
      takesAttentionMask: true,
      takesPositions: true,
      takesLogitsToKeep: false,
    });
  });

  it('say which optional inputs there are', () => {
    const bare = without(without(inputs, 'position_ids'), 'attention_mask');
    const facts = readDecoderFacts([...bare, tensor('num_logits_to_keep', 'int64')], outputs);
    expect(facts).toMatchObject({
      takesAttentionMask: false,
      takesPositions: false,
      takesLogitsToKeep: true,
    });
  });

  it('allow a cache in half precision', () => {
    const half = (list: TensorFacts[]) =>
      list.map((one) => (/key|value/.test(one.name) ? { ...one, type: 'float16' } : one));
    expect(readDecoderFacts(half(inputs), half(outputs)).cache[0]?.type).toBe('float16');
  });

  it.each([
    [
      'an input nobody feeds',
      [...inputs, tensor('cache_position', 'int64', 's')],
      outputs,
      '"cache_position"',
    ],
    ['no embeddings', without(inputs, 'inputs_embeds'), outputs, 'no "inputs_embeds"'],
    ['no cache', inputs.slice(0, 3), outputs, 'no KV cache'],
    [
      'a cache of bytes',
      changed(inputs, tensor('past_key_values.0.key', 'int8', 'b', 2, 'p', 32)),
      outputs,
      'int8',
    ],
    ['a missing present', inputs, without(outputs, 'present.0.value'), 'no "present.0.value"'],
    [
      'logits in half precision',
      inputs,
      changed(outputs, tensor('logits', 'float16', 'b', 's', 9)),
      'float16',
    ],
    [
      'a vocabulary of unknown size',
      inputs,
      changed(outputs, tensor('logits', 'float32', 'b', 's', 'v')),
      'no fixed size',
    ],
    [
      'positions with three axes',
      changed(inputs, tensor('position_ids', 'int64', 3, 'b', 's')),
      outputs,
      '3 axes',
    ],
  ])('refuse %s by name', (_what, given, gives, message) => {
    expect(() => readDecoderFacts(given, gives)).toThrow(message);
  });
});
