import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './state-folder.mjs';

/**
 * Runs `npm test` over a part of the specs.
 * @param {...string} args
 */
function npmTest(...args) {
  // Jest tells its workers who they are; a Jest inside a worker must not take that for itself.
  const { JEST_WORKER_ID: _worker, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'tools/launcher/test.mjs'), ...args], {
    env,
    encoding: 'utf8',
  });
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1), output: stdout };
}

describe('npm test', () => {
  it('runs one project of one folder and ends with the counts alone on the last line', () => {
    const { status, lastLine, output } = npmTest('--selectProjects', 'unit', 'packages/errors/');
    for (const [, path] of output.matchAll(/^PASS \S+ (\S+)/gm)) expect(path).toMatch(/^packages\/errors\//);
    expect(lastLine).toMatch(/^[1-9]\d* passed, 0 failed$/);
    expect(status).toBe(0);
  }, 300_000);

  it('counts skipped tests and names them', () => {
    const spec = '--testPathPatterns=tools/launcher/settings.spec';
    const { status, lastLine, output } = npmTest('--selectProjects=unit', spec, '-t=has a default');
    expect(lastLine).toMatch(/^1 passed, 0 failed, \d+ skipped$/);
    expect(output).toContain('skipped: readSettings\n');
    expect(status).toBe(0);
  }, 300_000);

  it('fails when every test was skipped', () => {
    const spec = '--testPathPatterns=tools/launcher/settings.spec';
    const { status, lastLine, output } = npmTest('--selectProjects=unit', spec, '-t=no such test');
    expect(lastLine).toMatch(/^0 passed, 0 failed, \d+ skipped$/);
    expect(output).toContain('No test ran.');
    expect(status).toBe(1);
  }, 300_000);

  it('fails when no test was found', () => {
    const { status, lastLine } = npmTest('--selectProjects=unit', '--testPathPatterns=no-such-spec');
    expect(lastLine).toBe('0 passed, 1 failed');
    expect(status).toBe(1);
  }, 300_000);
});
