import { readFileSync } from 'node:fs';
import { loadImageProcessor, parseWorkerFile } from '@fovea/model-registry/worker-file';
import { describe, expect, it } from '@jest/globals';

const guide = readFileSync(new URL('../../../docs/guides/run-vllm.md', import.meta.url), 'utf8');
const files = [...guide.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);

describe('the worker files of the guide to vLLM', () => {
  it('are three', () => {
    expect(files).toHaveLength(3);
  });

  it.each(files)('have no unknown key, a known image processor and one model: file %#', async (text) => {
    const file = parseWorkerFile(text, '/etc/fovea/worker.toml');
    const { warnings, generator, queue } = file;
    expect(warnings).toEqual([]);
    expect(generator).toMatchObject({ type: 'vllm', apiKeyFile: '/run/secrets/vllm-key' });
    expect(await loadImageProcessor(file)).toMatchObject({ family: generator.imageProcessor?.family });
    expect(queue.models).toMatchObject([{ name: queue.checkpointName, chat: true, multimodalEnabled: true }]);
  });
});
