import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeReader, describeIf, readComposeFiles } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { folder, type Installation, installationSchema, root } from './installation.js';

describeIf(composeReader, 'the files in the guide to compose', () => {
  let copy: string;
  let blocks: string[];
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'fovea-guide-'));
    await cp(folder, join(copy, 'docker'), {
      recursive: true,
      filter: (path) => !/\/(secrets|\.env)$/.test(path),
    });
    const guide = await readFile(join(root, 'docs/guides/deploy-with-compose.md'), 'utf8');
    blocks = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  async function withBlock(index: number): Promise<Installation> {
    await writeFile(join(copy, 'docker/own.yml'), blocks[index] ?? '');
    return installationSchema.parse(await readComposeFiles(join(copy, 'docker'), ['compose.yml', 'own.yml']));
  }

  it('change what they name', async () => {
    expect(blocks).toHaveLength(2);
    const { services } = await withBlock(0);
    expect(services.gateway?.environment).toMatchObject({
      GATEWAY_MAX_WAITING_JOBS: '5000',
      GATEWAY_API_KEYS_FILE: '/run/secrets/gateway-api-keys',
    });
  });

  it('add a shim and a worker-adapter that asks it', async () => {
    const { services } = await withBlock(1);
    expect(services['shim-2']).toEqual(services.shim);
    const { environment, ...rest } = services['worker-ocr'] ?? { environment: {} };
    expect(services['worker-ocr-2']).toEqual({
      ...rest,
      environment: { ...environment, ADAPTER_ENGINE_URL: 'http://shim-2:8000' },
    });
  });
});
