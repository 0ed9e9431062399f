import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { repository } from '../support/part.js';
import { keys, System } from '../support/system.js';

// The commands of these guides, run as they stand but for the address, and for the name that a reader's model has.

const pages = [
  'README.md',
  'docs/guides/quick-start.md',
  'docs/guides/api-keys.md',
  'docs/guides/send-once.md',
  'docs/guides/pause-and-drain.md',
  'docs/guides/scale-workers.md',
  'docs/guides/troubleshooting.md',
  'docs/guides/add-a-model.md',
];

const texts = await Promise.all(
  pages.map(async (page) => ({
    page,
    text: await readFile(join(repository, page), 'utf8'),
  })),
);
const commands = texts.flatMap(({ page, text }) =>
  [...text.matchAll(/<!-- prints: (.*?) -->\s+```sh\n(.*?)```/gs)].map(([, prints = '', code = '']) => ({
    page,
    prints: new RegExp(prints, 's'),
    code,
  })),
);

describe('the commands of the guides', () => {
  let system: System;
  beforeAll(async () => {
    system = await System.start();
    for (const model of ['ocr', 'shapes-vlm']) {
      const file = join(repository, `models/workers/${model}.toml`);
      await system.startAdapter(model, await readFile(file, 'utf8'));
      await system.untilModel(model, 'available');
    }
    // A checkout like that of the reader, with the key of this system.
    await mkdir(join(system.folder, '.fovea'));
    await writeFile(join(system.folder, '.fovea/api-key'), keys.alpha);
    for (const name of ['apps', 'examples', 'models', 'node_modules', 'package.json', 'packages'])
      await symlink(join(repository, name), join(system.folder, name));
  }, 120_000);
  afterAll(() => system?.stop());

  async function run(page: string, code: string): Promise<string> {
    const here = code.replaceAll('http://127.0.0.1:8080', system.url).replaceAll('my-vlm', 'shapes-vlm');
    // npx is slow to start; that it finds the command is seen with one page.
    const text = page === 'README.md' ? here : here.replaceAll('npx fovea', 'node_modules/.bin/fovea');
    const child = spawn('sh', ['-ec', text], {
      cwd: system.folder,
      env: {
        PATH: process.env.PATH,
        NO_PROXY: '127.0.0.1',
        no_proxy: '127.0.0.1',
        npm_config_offline: 'true',
        KEY: keys.alpha,
        FOVEA_URL: system.url,
        FOVEA_API_KEY: keys.alpha,
        REDIS_URL: system.redis.url,
        BLOB_STORE_URL: `file://${system.blobFolder}`,
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString();
      });
    }
    await once(child, 'close');
    return output;
  }

  it.each(commands)(
    '$page: $code',
    async ({ page, code, prints }) => {
      expect(await run(page, code)).toMatch(prints);
    },
    120_000,
  );
});
