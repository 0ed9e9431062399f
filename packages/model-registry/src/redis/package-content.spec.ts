import { createHash } from 'node:crypto';
import { publishedProcessor } from '@fovea/image-preprocessing';
import { modelPackageSchema } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { contentOf, differingFields, parseStoredPackage } from './package-content.js';

/** As the first release stored it: without a field that has a default today. */
const stored =
  '{"checkpoint":"c","extensions":["min_p","top_k"],"generatorType":"vllm","maxModelLen":4096,"models":[{"aligned":false,' +
  '"chat":true,"description":"","maximumCompletionTokens":null,"modelCard":null,"multimodalEnabled":true,"name":"m",' +
  '"promptTemplate":""}],"tags":[],"version":1,"waitForWorkerS":0}';
const known = modelPackageSchema.parse(JSON.parse(stored));

describe('contentOf', () => {
  it('is that of a package which was registered before newer fields existed', () => {
    expect(known).toMatchObject({ imageProcessor: null, capabilities: { tools: false } });
    const digest = createHash('sha256').update(stored).digest('hex');
    expect(contentOf({ ...known, extensions: ['top_k', 'min_p'] })).toEqual({ json: stored, digest });
  });

  it('differs with the image processor, and names it', () => {
    const imageProcessor = publishedProcessor('qwen3_vl');
    const { json } = contentOf({ ...known, imageProcessor });
    expect(parseStoredPackage(json)).toEqual({ ...known, imageProcessor, extensions: ['min_p', 'top_k'] });
    expect(differingFields(stored, json)).toEqual(['imageProcessor']);
  });
});
