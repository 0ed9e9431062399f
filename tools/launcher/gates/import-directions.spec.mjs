import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { root } from '../state-folder.mjs';

describe('the gate of import directions', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-directions-'));
    for (const name of ['tsconfig.base.json', 'package.json'])
      symlinkSync(join(root, name), join(folder, name));
    mkdirSync(join(folder, 'node_modules/@nestjs/common'), { recursive: true });
    for (const name of ['bullmq', '@nestjs/common']) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
      write(`node_modules/${name}/index.js`, '');
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /**
   * @param {string} path
   * @param {string} text
   */
  const write = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };

  /** Runs the gate of `npm run check` over the folder's tree. */
  const runGate = () => {
    for (const name of ['apps', 'packages', 'tools', 'e2e'])
      mkdirSync(join(folder, name), { recursive: true });
    const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const config = join(root, '.dependency-cruiser.mjs');
    const args = [cruise, '--config', config, 'apps', 'packages', 'tools', 'e2e'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };

  it('is green over a tree whose imports point the right way', () => {
    write('packages/errors/src/index.ts', 'export const code = 1;');
    write(
      'packages/schemas/src/jobs.ts',
      `import { code } from '../../errors/src/index.js'; export const job = code;`,
    );
    write('packages/job-queue/src/bullmq.ts', `import 'bullmq'; export const queue = 1;`);
    write(
      'apps/gateway/src/app.module.ts',
      `import '@nestjs/common'; import '../../../packages/job-queue/src/bullmq.js';`,
    );
    write('apps/gateway/src/x.spec.ts', `import '../../../packages/testing/src/index.js';`);
    write('packages/testing/src/index.ts', 'export const fixture = 1;');
    expect(runGate()).toMatchObject({ status: 0 });
  }, 60_000);

  it.each([
    ['packages-know-no-apps', 'packages/config/src/x.ts', 'apps/gateway/src/y.ts'],
    ['apps-know-no-other-app', 'apps/cli/src/x.ts', 'apps/gateway/src/y.ts'],
    ['contracts-import-nothing-above', 'packages/schemas/src/x.ts', 'packages/redis/src/y.ts'],
    ['errors-import-no-workspace', 'packages/errors/src/x.ts', 'packages/schemas/src/y.ts'],
    ['test-tools-only-in-tests', 'apps/gateway/src/x.ts', 'packages/testing/src/y.ts'],
    ['test-tools-only-in-tests', 'packages/redis/src/x.ts', 'tools/fake-vllm/src/y.ts'],
    [
      'adapters-only-at-the-composition-root',
      'apps/gateway/src/models/x.ts',
      'packages/model-registry/src/redis.ts',
    ],
    [
      'adapters-only-at-the-composition-root',
      'apps/worker-adapter/src/x.ts',
      'packages/blob-store/src/file/y.ts',
    ],
    [
      'adapters-only-at-the-composition-root',
      'packages/backends/src/x.ts',
      'packages/token-stream/src/redis.ts',
    ],
    ['no-junk-drawers', 'apps/gateway/src/x.ts', 'apps/gateway/src/utils/y.ts'],
    ['nest-only-in-the-gateway', 'apps/worker-adapter/src/x.ts', '@nestjs/common'],
    ['bullmq-only-in-the-job-queue', 'apps/gateway/src/x.ts', 'bullmq'],
    ['nothing-unresolvable', 'apps/gateway/src/x.ts', 'no-such-package'],
  ])(
    'turns red by the rule %s when %s imports %s',
    (rule, from, to) => {
      const isFile = to.endsWith('.ts');
      if (isFile) write(to, 'export const y = 1;');
      const up = '../'.repeat(from.split('/').length - 1);
      const specifier = isFile ? `${up}${to.replace(/\.ts$/, '.js')}` : to;
      write(from, `import * as y from '${specifier}'; export const x = y;`);
      const { status, output } = runGate();
      expect(output).toContain(`error ${rule}: ${from}`);
      expect(status).not.toBe(0);
    },
    60_000,
  );

  it('counts an import of types, too', () => {
    write('apps/gateway/src/y.ts', 'export interface Y { readonly y: number }');
    write(
      'packages/config/src/x.ts',
      `import type { Y } from '../../../apps/gateway/src/y.js'; export type X = Y;`,
    );
    expect(runGate().output).toContain('error packages-know-no-apps');
  }, 60_000);

  it('turns red over files that need each other', () => {
    write('packages/redis/src/x.ts', `import { y } from './y.js'; export const x = () => y;`);
    write('packages/redis/src/y.ts', `import { x } from './x.js'; export const y = () => x;`);
    expect(runGate().output).toContain('error no-circular');
  }, 60_000);
});
