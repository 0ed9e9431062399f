import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readWorkerFiles } from './worker-files.mjs';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

describe('readWorkerFiles', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-workers-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  /**
   * @param {string} name
   * @param {string} generator
   */
  const write = (name, generator) =>
    writeFileSync(
      join(folder, name),
      `edition = 1\n[generator]\n${generator}\n[queue]\ncheckpoint_name = "c"\n[queue.models."a/b"]\n[queue.models.c]\n[monitoring]\nmetrics_port = 4001\n`,
    );

  it('finds names, ports and engines, in the order of the file names', async () => {
    write('20-remote.toml', 'type = "vllm"\nurl = "http://127.0.0.1:8000"');
    write('10-own.toml', 'type = "onnx"\nurl = "http://127.0.0.1:8000"');
    write('30-elsewhere.toml', 'type = "onnx"\nurl = "http://gpu-host:8000"');
    write('40-no url.toml', 'type = "onnx"');
    writeFileSync(join(folder, 'README.md'), 'no worker');
    const files = await readWorkerFiles(folder, root);
    expect(files.map(({ name, needsShim }) => [name, needsShim])).toEqual([
      ['worker-10-own', true],
      ['worker-20-remote', false],
      ['worker-30-elsewhere', false],
      ['worker-40-no_url', true],
    ]);
    expect(files[0]).toMatchObject({ metricsPort: 4001, modelNames: ['a/b', 'c'] });
  });

  it('says which file is broken, and which folder is missing', async () => {
    writeFileSync(join(folder, 'broken.toml'), '[generator');
    await expect(readWorkerFiles(folder, root)).rejects.toThrow(`${folder}/broken.toml is not TOML`);
    await expect(readWorkerFiles(`${folder}/nowhere`, root)).rejects.toThrow('FOVEA_WORKERS: cannot read');
  });
});
