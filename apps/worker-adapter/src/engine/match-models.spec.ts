import { describe, expect, it } from '@jest/globals';
import { matchModels } from './match-models.js';

const model = (id: string, maxModelLen = 4096) => ({ id, maxModelLen });

describe('matchModels', () => {
  it('takes the engine model of the same name before any other', () => {
    const { engineModels } = matchModels(['a', 'b'], 'c', [model('c'), model('b'), model('a')]);
    expect([...engineModels]).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ]);
  });

  it('serves several names from the checkpoint', () => {
    const { engineModels } = matchModels(['fast', 'slow'], 'c', [model('other'), model('c')]);
    expect([...engineModels.values()]).toEqual(['c', 'c']);
  });

  it('takes the only model of an engine that goes by its path', () => {
    const { engineModels } = matchModels(['a'], 'c', [model('/models/tiny')]);
    expect(engineModels.get('a')).toBe('/models/tiny');
  });

  it('reports the smallest context', () => {
    expect(matchModels(['a', 'b'], 'c', [model('a', 100), model('b', 50)]).maxModelLen).toBe(50);
  });

  it.each([
    [[model('x'), model('y')], 'it lists x, y'],
    [[], 'it lists nothing'],
  ])('says what the engine lists when a model is missing', (offered, detail) => {
    expect(() => matchModels(['a'], 'c', offered)).toThrow(
      expect.objectContaining({ code: 'MODEL_UNAVAILABLE', detail: expect.stringContaining(detail) }),
    );
  });
});
