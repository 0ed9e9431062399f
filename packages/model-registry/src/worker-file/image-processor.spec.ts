import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedProcessor } from '@fovea/image-preprocessing';
import { modelPackageSchema } from '@fovea/schemas/model-package';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadImageProcessor } from './load-image-processor.js';
import { parseWorkerFile } from './parse-worker-file.js';
import { toModelPackage } from './to-model-package.js';
import { WorkerFileError } from './worker-file-error.js';

const workerFile = (table: string, generator = '') =>
  parseWorkerFile(
    `edition = 1
[generator]
type = "vllm"
${generator}
${table}
[queue]
checkpoint_name = "vlm"
version = 1
[queue.models.vlm]
`,
    '/etc/w.toml',
  );

const problemsOf = (table: string): readonly string[] => {
  try {
    workerFile(table);
  } catch (error) {
    if (error instanceof WorkerFileError) {
      return error.problems.map(({ where, found, expected }) => `${where}: ${found}, not ${expected}`);
    }
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('[generator.image_processor]', () => {
  it('stands in for a model whose files are not at hand, with what its family publishes', async () => {
    const file = workerFile('[generator.image_processor]\nfamily = "qwen2_5_vl"\nmax_pixels = 1_003_520');
    expect(file.warnings).toEqual([]);
    expect(await loadImageProcessor(file)).toEqual({
      ...publishedProcessor('qwen2_5_vl'),
      maxPixels: 1_003_520,
    });
  });

  it('takes every number of a family under its name in small letters', async () => {
    const file = workerFile(`[generator.image_processor]
family = "llava_next"
image_edge = 384
patches_per_side = 27
grid_pinpoints = [[384, 768], [768, 384]]`);
    expect(await loadImageProcessor(file)).toEqual({
      family: 'llava_next',
      imageEdge: 384,
      patchesPerSide: 27,
      gridPinpoints: [
        [384, 768],
        [768, 384],
      ],
    });
  });

  it('refuses an unknown family, keys of another one and numbers below 1, each by its path', () => {
    expect(problemsOf('[generator.image_processor]\nfamily = "qwen9"')).toEqual([
      expect.stringMatching(
        /^generator\.image_processor\.family: "qwen9", not a table whose family is one of qwen2_vl, .*gemma3$/,
      ),
    ]);
    expect(problemsOf('[generator.image_processor]\nfamily = "llava"\nmax_pixels = 5')).toEqual([
      'generator.image_processor: a table, not no max_pixels, only image_edge, tokens_per_image',
    ]);
    expect(problemsOf('[generator.image_processor]\nfamily = "qwen2_vl"\nmax_pixels = 0')).toEqual([
      'generator.image_processor.max_pixels: 0, not a whole number of at least 1',
    ]);
  });
});

describe('loadImageProcessor', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-processor-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = (name: string, value: unknown): Promise<void> =>
    writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  const load = (table = '') => loadImageProcessor(workerFile(table, `model_path = "${folder}"`));

  it('reads the files under model_path, and puts the result into the package', async () => {
    await write('config.json', { model_type: 'qwen3_vl' });
    await write('preprocessor_config.json', {
      patch_size: 16,
      merge_size: 2,
      size: { shortest_edge: 65_536, longest_edge: 2_097_152 },
    });
    const imageProcessor = await load();
    expect(imageProcessor).toEqual({ ...publishedProcessor('qwen3_vl'), maxPixels: 2_097_152 });
    const file = workerFile('');
    const registered = toModelPackage(file, { maxModelLen: 4_096, imageProcessor });
    expect(modelPackageSchema.parse(registered)).toMatchObject({ imageProcessor });
  });

  it('lets the worker file go before the files, number by number', async () => {
    await write('preprocessor_config.json', { processor_class: 'Qwen2VLProcessor', min_pixels: 50_176 });
    expect(await load('[generator.image_processor]\nfamily = "qwen2_vl"\nmax_pixels = 200_704')).toEqual({
      ...publishedProcessor('qwen2_vl'),
      minPixels: 50_176,
      maxPixels: 200_704,
    });
    expect(await load('[generator.image_processor]\nfamily = "llava"')).toEqual(publishedProcessor('llava'));
  });

  it('can tell nothing of bounds that contradict each other', async () => {
    await write('preprocessor_config.json', { processor_class: 'Qwen2VLProcessor', min_pixels: 50_176 });
    expect(await load('[generator.image_processor]\nfamily = "qwen2_vl"\nmax_pixels = 784')).toBeNull();
  });

  it('can tell nothing of a folder that is not there, without files, or with files that are no JSON', async () => {
    expect(await load()).toBeNull();
    await write('preprocessor_config.json', '{"processor_class": "Qwen2VL');
    expect(await load()).toBeNull();
    await write('preprocessor_config.json', ' '.repeat(5 * 1024 * 1024));
    expect(await load()).toBeNull();
    expect(await loadImageProcessor(workerFile('', 'model_path = "org/model"'))).toBeNull();
    expect(await loadImageProcessor(workerFile(''))).toBeNull();
  });
});
