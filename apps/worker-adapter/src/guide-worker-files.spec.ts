import { readFileSync } from 'node:fs';
import { loadImageProcessor, parseWorkerFile } from '@fovea/model-registry/worker-file';
import { describe, expect, it } from '@jest/globals';

const filesOf = (guide: string): string[] => {
  const page = readFileSync(new URL(`../../../docs/guides/${guide}`, import.meta.url), 'utf8');
  return [...page.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
};
const files = filesOf('run-vllm.md');

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

describe('the worker file of the guide to speech', () => {
  it('has no unknown key and one model that hears', () => {
    const [text = '', ...others] = filesOf('transcribe.md');
    expect(others).toEqual([]);
    const { warnings, generator, queue } = parseWorkerFile(text, 'whisper-base.toml');
    expect(warnings).toEqual([]);
    expect(generator.type).toBe('transcription');
    expect(queue.models).toMatchObject([{ name: queue.checkpointName, transcription: true, chat: false }]);
  });
});
