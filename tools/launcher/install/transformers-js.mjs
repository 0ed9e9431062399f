import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PartFailure } from '../processes/part-failure.mjs';

/**
 * Hugging Face's own runtime, which the tests of the ONNX engine compare with. It is no dependency: with its browser
 * runtime it would double the size of an installation. Its code alone finds ONNX Runtime and sharp in our node_modules, so
 * both sides run on the same libraries.
 */
const version = '4.3.1';
const archive = `huggingface-transformers-${version}.tgz`;
const timeoutMs = 120_000;
const drainMs = 2_000;

/**
 * Makes `.fovea/transformers-js` for the parity tests. Where that cannot be done the tests that need it say so.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {string} root
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function provideTransformersJs(supervisor, root, env, progress) {
  const folder = join(root, '.fovea/transformers-js');
  const stampPath = join(folder, 'installed.txt');
  if (readStamp(stampPath) === version) return;
  const target = join(folder, 'node_modules/@huggingface/transformers');
  const run = (/** @type {string} */ command, /** @type {string[]} */ args) =>
    supervisor.run({
      name: `transformers-js-${command}`,
      command,
      args,
      cwd: folder,
      env,
      stage: 0,
      drainMs,
      timeoutMs,
    });
  try {
    await progress.step('transformers.js for the parity tests (.fovea/transformers-js)', async () => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(target, { recursive: true, mode: 0o700 });
      await run('npm', ['pack', '--silent', `@huggingface/transformers@${version}`]);
      await run('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
      rmSync(join(folder, archive));
      writeFileSync(stampPath, version);
    });
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error;
    progress.say(`  ! no transformers.js: ${error.format()}`);
  }
}

/** @param {string} path */
function readStamp(path) {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}
