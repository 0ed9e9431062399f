import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseWorkerFile } from '@fovea/model-registry/worker-file';
import { describe, expect, it } from '@jest/globals';

const folder = fileURLToPath(new URL('../../../models/workers/', import.meta.url));
const optionalFolder = fileURLToPath(new URL('../../../models/optional-workers/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.toml'));

describe('the worker files that we ship', () => {
  it('are those of the models that run out of the box', () => {
    expect(files.sort()).toEqual(['commands-asr.toml', 'ocr.toml', 'shapes-vlm.toml']);
  });

  it.each(files)('%s has no unknown key, a local engine and models that take pictures or listen', (name) => {
    const { warnings, generator, queue } = parseWorkerFile(readFileSync(join(folder, name), 'utf8'), name);
    expect(warnings).toEqual([]);
    expect(generator.urls).toEqual(['http://127.0.0.1:8000']);
    for (const model of queue.models) {
      const listens = { transcription: true, chat: false };
      const sees = { chat: true, multimodalEnabled: true, transcription: false };
      expect(model).toMatchObject(name === 'commands-asr.toml' ? listens : sees);
      expect(model.description).not.toBe('');
    }
  });

  it('are one where the machine has PocketSphinx', () => {
    expect(readdirSync(optionalFolder)).toEqual(['pocketsphinx.toml']);
    const text = readFileSync(join(optionalFolder, 'pocketsphinx.toml'), 'utf8');
    const { warnings, generator, queue } = parseWorkerFile(text, 'pocketsphinx.toml');
    expect(warnings).toEqual([]);
    expect(generator).toMatchObject({ type: 'transcription', urls: ['http://127.0.0.1:8000'] });
    expect(queue.models).toMatchObject([{ name: 'pocketsphinx-en-us', transcription: true, chat: false }]);
  });
});
