import { parseWorkerFile } from '@fovea/model-registry/worker-file';
import { describe, expect, it } from '@jest/globals';
import { ServedModels } from './served-models.js';

const file = parseWorkerFile(
  `
edition = 1
[generator]
type = "vllm"
[queue]
checkpoint_name = "tiny"
version = 2
[queue.models.small]
maximum_completion_tokens = 100
[queue.models.large]
maximum_completion_tokens = 100000
[queue.models.open]
`,
  'tiny.toml',
);

const serves = (maxModelLen: number, id = 'tiny') => [{ id, maxModelLen }];

describe('ServedModels', () => {
  it('knows no model before an engine was asked', () => {
    const served = new ServedModels(file);
    expect(served.find('0', 'small')).toBeUndefined();
    expect(() => served.describe()).toThrow(expect.objectContaining({ code: 'MODEL_UNAVAILABLE' }));
  });

  it('adds the context length of the engine to the package', () => {
    const served = new ServedModels(file);
    served.learn('0', serves(4096, '/models/tiny'));
    expect(served.describe()).toMatchObject({ checkpoint: 'tiny', version: 2, maxModelLen: 4096 });
  });

  it('keeps the maximum of a model within the context of the engine', () => {
    const served = new ServedModels(file);
    served.learn('0', serves(4096));
    expect(served.find('0', 'small')).toMatchObject({
      engineModel: 'tiny',
      maximumCompletionTokens: 100,
      contextTokens: 4096,
    });
    expect(served.find('0', 'large')).toMatchObject({
      engineModel: 'tiny',
      maximumCompletionTokens: 4096,
      contextTokens: 4096,
    });
    expect(served.find('0', 'open')).toMatchObject({
      engineModel: 'tiny',
      maximumCompletionTokens: null,
      contextTokens: 4096,
    });
    expect(served.find('0', 'other')).toBeUndefined();
  });

  it('keeps what it knew when the engine serves something else now', () => {
    const served = new ServedModels(file);
    served.learn('0', serves(4096));
    expect(() => served.learn('0', [])).toThrow(expect.objectContaining({ code: 'MODEL_UNAVAILABLE' }));
    expect(served.find('0', 'small')).toBeDefined();
  });

  it('calls a model what each engine calls it', () => {
    const served = new ServedModels(file);
    served.learn('0', serves(4096, 'tiny'));
    served.learn('1', serves(4096, '/models/tiny'));
    expect(served.find('0', 'small')?.engineModel).toBe('tiny');
    expect(served.find('1', 'small')?.engineModel).toBe('/models/tiny');
  });

  it('leaves out an engine with another context than the first, and says so once', () => {
    const told: string[] = [];
    const served = new ServedModels(file, {
      onDifference: (engine, difference) => told.push(`${engine}: ${difference}`),
    });
    served.learn('1', serves(4096));
    served.learn('0', serves(8192));
    served.learn('0', serves(8192));
    expect(told).toEqual(['0: serves max_model_len 8192, the others 4096']);
    expect(served.differenceOf('0')).toBe('serves max_model_len 8192, the others 4096');
    expect(served.differenceOf('1')).toBeUndefined();
    expect(served.describe().maxModelLen).toBe(4096);
  });

  it('follows its engines to another context when none is left with the old one', () => {
    const served = new ServedModels(file);
    served.learn('0', serves(4096));
    served.learn('1', serves(4096));
    served.learn('0', serves(8192));
    expect(served.differenceOf('0')).toBeDefined();
    served.learn('1', serves(8192));
    expect(served.differenceOf('0')).toBeUndefined();
    expect(served.describe().maxModelLen).toBe(8192);
  });
});
