import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseWorkerFile } from '@fovea/model-registry/worker-file';
import { describe, expect, it } from '@jest/globals';

const folder = fileURLToPath(new URL('../../../models/workers/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.toml'));

describe('the worker files that we ship', () => {
  it('are those of the models that run out of the box', () => {
    expect(files.sort()).toEqual(['ocr.toml', 'shapes-vlm.toml']);
  });

  it.each(files)('%s has no unknown key, a local engine and chat models that take pictures', (name) => {
    const { warnings, generator, queue } = parseWorkerFile(readFileSync(join(folder, name), 'utf8'), name);
    expect(warnings).toEqual([]);
    expect(generator.urls).toEqual(['http://127.0.0.1:8000']);
    for (const model of queue.models) {
      expect(model).toMatchObject({ chat: true, multimodalEnabled: true });
      expect(model.description).not.toBe('');
    }
  });
});
