import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readOcrFolder } from './ocr-folder.js';

const ownFiles = {
  model_type: 'pp-ocr',
  detection_file: 'det.onnx',
  recognition_file: 'rec.onnx',
  orientation_file: 'cls.onnx',
  characters_file: 'keys.txt',
  max_model_len: 100,
};

describe('readOcrFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocr-folder-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const writeConfig = (config: object) => writeFile(join(folder, 'config.json'), JSON.stringify(config));

  it('finds the weights of the model that comes with Fovea in the installed package', async () => {
    const shipped = fileURLToPath(new URL('../../../../../models/ocr', import.meta.url));
    const { files, maxModelLen } = await readOcrFolder(shipped);
    expect(maxModelLen).toBe(65_536);
    expect(files.detection).toMatch(/ch_PP-OCRv4_det_infer\.onnx$/);
    expect(files.characters).toMatch(/ppocr_keys_v1\.txt$/);
  });

  it('takes files that stand in the folder itself', async () => {
    await writeConfig(ownFiles);
    for (const name of ['det.onnx', 'rec.onnx', 'cls.onnx', 'keys.txt'])
      await writeFile(join(folder, name), '');
    expect((await readOcrFolder(folder)).files).toEqual({
      detection: join(folder, 'det.onnx'),
      recognition: join(folder, 'rec.onnx'),
      orientation: join(folder, 'cls.onnx'),
      characters: join(folder, 'keys.txt'),
    });
  });

  it('names the file that is missing, the field that is wrong, and the module that is not installed', async () => {
    await writeConfig(ownFiles);
    await expect(readOcrFolder(folder)).rejects.toThrow(`${join(folder, 'det.onnx')}: the file is missing`);
    await writeConfig({ ...ownFiles, max_model_len: 0 });
    await expect(readOcrFolder(folder)).rejects.toThrow('max_model_len');
    await writeConfig({ ...ownFiles, weights_module: '@fovea/no-such-weights' });
    await expect(readOcrFolder(folder)).rejects.toThrow('"@fovea/no-such-weights" is not installed');
  });
});
