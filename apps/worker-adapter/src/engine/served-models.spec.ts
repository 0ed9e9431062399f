import { parseWorkerFile } from '@fovea/model-registry/worker-file';
import { describe, expect, it } from '@jest/globals';
import { FakeBackend } from '../fakes/fake-backend.js';
import { ServedModels } from './served-models.js';

const signal = new AbortController().signal;
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

describe('ServedModels', () => {
  it('knows no model before the engine was asked', () => {
    expect(new ServedModels(file, new FakeBackend()).find('small')).toBeUndefined();
  });

  it('adds the context length of the engine to the package', async () => {
    const backend = new FakeBackend();
    backend.engineModels = [{ id: '/models/tiny', maxModelLen: 4096 }];
    expect(await new ServedModels(file, backend).describe(signal)).toMatchObject({
      checkpoint: 'tiny',
      version: 2,
      maxModelLen: 4096,
    });
  });

  it('keeps the maximum of a model within the context of the engine', async () => {
    const backend = new FakeBackend();
    backend.engineModels = [{ id: 'tiny', maxModelLen: 4096 }];
    const served = new ServedModels(file, backend);
    await served.describe(signal);
    expect(served.find('small')).toEqual({ engineModel: 'tiny', maximumCompletionTokens: 100 });
    expect(served.find('large')).toEqual({ engineModel: 'tiny', maximumCompletionTokens: 4096 });
    expect(served.find('open')).toEqual({ engineModel: 'tiny', maximumCompletionTokens: null });
    expect(served.find('other')).toBeUndefined();
  });

  it('keeps what it knew when the engine serves something else now', async () => {
    const backend = new FakeBackend();
    backend.engineModels = [{ id: 'tiny', maxModelLen: 4096 }];
    const served = new ServedModels(file, backend);
    await served.describe(signal);
    backend.engineModels = [];
    await expect(served.describe(signal)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(served.find('small')).toBeDefined();
  });
});
