import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { root } from '../state-folder.mjs';

/** A tree of sources that is not this repository's, under the gate of `npm run check`. */
class Tree {
  folder = mkdtempSync(join(tmpdir(), 'fovea-directions-'));

  constructor() {
    for (const name of ['tsconfig.base.json', 'package.json'])
      symlinkSync(join(root, name), join(this.folder, name));
    for (const name of ['bullmq', '@nestjs/common']) {
      this.write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
      this.write(`node_modules/${name}/index.js`, '');
    }
    for (const name of ['apps', 'packages', 'tools', 'e2e']) mkdirSync(join(this.folder, name));
  }

  /**
   * @param {string} path
   * @param {string} text
   */
  write(path, text) {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  runGate() {
    const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const config = join(root, '.dependency-cruiser.mjs');
    const args = [cruise, '--config', config, 'apps', 'packages', 'tools', 'e2e'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  }

  remove() {
    rmSync(this.folder, { recursive: true });
  }
}

/** Rule, folder of the file that breaks it, what that file imports: a file of ours or a package. */
const wrongWays = /** @type {const} */ ([
  ['packages-know-no-apps', 'packages/config/src', 'apps/gateway/src'],
  ['apps-know-no-other-app', 'apps/cli/src', 'apps/gateway/src'],
  ['contracts-import-nothing-above', 'packages/schemas/src', 'packages/redis/src'],
  ['errors-import-no-workspace', 'packages/errors/src', 'packages/schemas/src'],
  ['test-tools-only-in-tests', 'apps/gateway/src', 'packages/testing/src'],
  ['test-tools-only-in-tests', 'packages/redis/src', 'tools/fake-vllm/src'],
  ['adapters-only-at-the-composition-root', 'apps/gateway/src/models', 'packages/model-registry/src/redis'],
  ['adapters-only-at-the-composition-root', 'apps/worker-adapter/src', 'packages/blob-store/src/file'],
  ['adapters-only-at-the-composition-root', 'packages/backends/src', 'packages/token-stream/src/redis'],
  ['no-junk-drawers', 'apps/gateway/src', 'apps/gateway/src/utils'],
  ['nest-only-in-the-gateway', 'apps/worker-adapter/src', '@nestjs/common'],
  ['bullmq-only-in-the-job-queue', 'apps/gateway/src', 'bullmq'],
  ['nothing-unresolvable', 'apps/gateway/src', 'no-such-package'],
]);

/** @param {number} at Place in `wrongWays`. */
const nameOf = (at) => `from${at}.ts`;

describe('the gate of import directions', () => {
  it('is green over a tree whose imports point the right way', () => {
    const tree = new Tree();
    tree.write('packages/errors/src/index.ts', 'export const code = 1;');
    tree.write(
      'packages/schemas/src/jobs.ts',
      `import { code } from '../../errors/src/index.js'; export const job = code;`,
    );
    tree.write('packages/job-queue/src/bullmq.ts', `import 'bullmq'; export const queue = 1;`);
    tree.write(
      'apps/gateway/src/app.module.ts',
      `import '@nestjs/common'; import '../../../packages/job-queue/src/bullmq.js';`,
    );
    tree.write('apps/gateway/src/x.spec.ts', `import '../../../packages/testing/src/index.js';`);
    tree.write('packages/testing/src/index.ts', 'export const fixture = 1;');
    expect(tree.runGate()).toMatchObject({ status: 0 });
    tree.remove();
  }, 300_000);

  describe('over a tree in which each rule is broken', () => {
    /** @type {{ status: number | null, output: string }} */
    let found;
    // One run over all of it: to start the gate takes longer than to look at a file.
    beforeAll(() => {
      const tree = new Tree();
      for (const [at, [, from, to]] of wrongWays.entries()) {
        const isOurs = to.includes('/src');
        if (isOurs) tree.write(`${to}/to${at}.ts`, 'export const y = 1;');
        const specifier = isOurs ? `${'../'.repeat(from.split('/').length)}${to}/to${at}.js` : to;
        tree.write(`${from}/${nameOf(at)}`, `import * as y from '${specifier}'; export const x = y;`);
      }
      tree.write('apps/gateway/src/y.ts', 'export interface Y { readonly y: number }');
      tree.write(
        'packages/config/src/type.ts',
        `import type { Y } from '../../../apps/gateway/src/y.js'; export type X = Y;`,
      );
      tree.write('packages/redis/src/one.ts', `import { y } from './other.js'; export const x = () => y;`);
      tree.write('packages/redis/src/other.ts', `import { x } from './one.js'; export const y = () => x;`);
      found = tree.runGate();
      tree.remove();
    }, 300_000);

    it('is red', () => {
      expect(found.status).toBeGreaterThan(0);
    });

    it.each(wrongWays.map((way, at) => [...way, at]))('names the rule %s where %s imports %s', (...way) => {
      const [rule, from, , at] = way;
      expect(found.output).toContain(`error ${rule}: ${from}/${nameOf(Number(at))}`);
    });

    it('counts an import of types, too', () => {
      expect(found.output).toContain('error packages-know-no-apps: packages/config/src/type.ts');
    });

    it('names files that need each other', () => {
      expect(found.output).toMatch(/error no-circular: packages\/redis\/src\/(one|other)\.ts/);
    });

    it('names nothing else', () => {
      expect(found.output.match(/^ *error /gm)).toHaveLength(wrongWays.length + 2);
    });
  });
});
