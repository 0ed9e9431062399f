import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('describeIf', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-requirement-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function runFixture(env: Record<string, string>): { status: number | null; output: string } {
    const configPath = join(folder, 'jest.config.mjs');
    writeFileSync(
      configPath,
      `import config from ${JSON.stringify(join(root, 'jest.config.mjs'))};
       const { testPathIgnorePatterns, ...unit } = config.projects[0];
       export default { ...unit, rootDir: ${JSON.stringify(root)}, testMatch: ['**/fixtures/lacking.fixture.ts'] };`,
    );
    const { FOVEA_REQUIRE: _required, JEST_WORKER_ID: _worker, ...inherited } = process.env;
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const args = ['--experimental-vm-modules', jest, '--config', configPath, '--verbose', '--runInBand'];
    const run = spawnSync(process.execPath, args, {
      cwd: root,
      env: { ...inherited, ...env },
      encoding: 'utf8',
    });
    return { status: run.status, output: run.stdout + run.stderr };
  }

  it('skips by name, with the reason, what the machine lacks', () => {
    const { status, output } = runFixture({});
    expect(output).toContain('on the moon (needs a moon rover: there is no moon here)');
    expect(output).toMatch(/Tests: +1 skipped, 1 passed/);
    expect(status).toBe(0);
  }, 300_000);

  it('fails instead where everything is required', () => {
    const { status, output } = runFixture({ FOVEA_REQUIRE: 'all' });
    expect(output).toContain('a moon rover is missing: there is no moon here');
    expect(output).toMatch(/Tests: +1 failed, 1 passed/);
    expect(status).toBe(1);
  }, 300_000);
});
