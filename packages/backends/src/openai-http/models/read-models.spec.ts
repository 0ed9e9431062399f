import { describe, expect, it } from '@jest/globals';
import { readModels } from './read-models.js';

const card = (id: string, more: object = {}): object => ({ id, object: 'model', owned_by: 'vllm', ...more });

describe('readModels', () => {
  it('reads vLLM’s list: every served name, and its LoRA adapters with the length of their parent', () => {
    const data = [
      card('base', { parent: null, max_model_len: 4096 }),
      card('alias', { parent: null, max_model_len: 4096 }),
      card('adapter', { parent: 'base', max_model_len: null }),
    ];
    expect(readModels({ object: 'list', data }, 100)).toEqual([
      { id: 'base', maxModelLen: 4096 },
      { id: 'alias', maxModelLen: 4096 },
      { id: 'adapter', maxModelLen: 4096 },
    ]);
  });

  it('takes the operator’s word for servers that name no length', () => {
    expect(readModels({ data: [card('m')] }, 2048)).toEqual([{ id: 'm', maxModelLen: 2048 }]);
    expect(() => readModels({ data: [card('m')] }, undefined)).toThrow(
      expect.objectContaining({
        code: 'BACKEND_ERROR',
        detail: expect.stringContaining('max_model_len of m'),
      }),
    );
  });

  it('lists nothing while nothing is served', () => {
    expect(readModels({ data: [] }, undefined)).toEqual([]);
  });

  it.each([[undefined], [{}], [{ data: [{}] }], [{ data: [card('m', { max_model_len: 0 })] }]])(
    'fails on %j',
    (value) => {
      expect(() => readModels(value, 1)).toThrow(expect.objectContaining({ code: 'BACKEND_ERROR' }));
    },
  );
});
