import { describe, expect, it } from '@jest/globals';
import { readEncoderFacts } from './encoder-graph.js';

const ids = (name: string, type = 'int64') => ({ name, type, shape: ['batch', 'length'] });
const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ids(name));
const hidden = { name: 'last_hidden_state', type: 'float32', shape: ['batch', 'length', 384] };
const pooled = { name: 'sentence_embedding', type: 'float32', shape: ['batch', 384] };

describe('the facts of an encoder graph', () => {
  it('are read off its inputs and outputs', () => {
    expect(readEncoderFacts(inputs, [hidden])).toEqual({
      takesTokenTypes: true,
      output: 'last_hidden_state',
      isPooled: false,
      dimensions: 384,
    });
    const { output, isPooled, takesTokenTypes } = readEncoderFacts(inputs.slice(0, 2), [hidden, pooled]);
    expect([output, isPooled, takesTokenTypes]).toEqual(['sentence_embedding', true, false]);
  });

  it.each([
    ['an input nobody knows', [...inputs, ids('position_ids')], [hidden], 'needs "position_ids"'],
    ['no mask', [ids('input_ids')], [hidden], 'takes no "attention_mask"'],
    ['32-bit ids', [ids('input_ids', 'int32'), ids('attention_mask')], [hidden], '"input_ids" is int32'],
    ['half precision', inputs, [{ ...hidden, type: 'float16' }], 'gives no float32'],
    ['an open size', inputs, [{ ...hidden, shape: ['batch', 'length', 'size'] }], 'of a fixed size'],
    ['logits only', inputs, [{ ...pooled, name: 'logits' }], 'gives no float32'],
  ])('refuse %s', (_what, takes, gives, reason) => {
    expect(() => readEncoderFacts(takes, gives)).toThrow(reason);
  });
});
