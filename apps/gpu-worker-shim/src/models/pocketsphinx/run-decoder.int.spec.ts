import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findPocketSphinx } from './find-pocketsphinx.js';
import { runDecoder } from './run-decoder.js';

// Programs of our own in the place of PocketSphinx: how it behaves when it behaves badly.
describe('the process that hears', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-sphinx-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function run(script: string, signal = new AbortController().signal): Promise<string> {
    const program = join(folder, 'pocketsphinx_continuous');
    await writeFile(program, `#!/bin/sh\n${script}\n`);
    await chmod(program, 0o755);
    return runDecoder({ program, modelFolder: '/the/model' }, Int16Array.of(1, -2), signal);
  }

  it('opens the sound by a path, is told where the model is, waits behind others and knows nothing of us', async () => {
    // Its priority is lowered a moment after its start.
    const lowered = 'until [ "$(/usr/bin/nice)" = 5 ]; do :; done';
    const script = `od -An -td2 < "$2"; echo "$@"; ${lowered}; echo "[$HOME]"; pwd`;
    expect((await run(script)).trim().split('\n')).toEqual([
      expect.stringMatching(/^1 +-2$/),
      '-infile /dev/stdin -time yes -hmm /the/model/en-us -lm /the/model/en-us.lm.bin -dict /the/model/cmudict-en-us.dict',
      '[]',
      '/',
    ]);
  });

  it('leaves no sound behind', async () => {
    const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const sounds = async () => (await readdir(place)).filter((name) => /^fovea-[\da-f]{8}-/.test(name));
    await run('true');
    await expect(run('exit 1')).rejects.toThrow();
    // Another process that hears may have made one in the same moment.
    while ((await sounds()).length > 0) await setTimeout(20);
  });

  it('that fails is an internal error, whose detail has its complaints and nothing that was said', async () => {
    const script = 'echo "INFO: my secret" >&2; echo "ERROR: no model" >&2; echo "my secret"; exit 3';
    const error: unknown = await run(script).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INTERNAL', detail: expect.stringContaining('ERROR: no model') });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('that crashes is an internal error', async () => {
    await expect(run('kill -SEGV $$')).rejects.toMatchObject({
      code: 'INTERNAL',
      detail: expect.stringContaining('SIGSEGV'),
    });
  });

  it('that is not there, or is no program, is an internal error', async () => {
    const { signal } = new AbortController();
    const sphinx = { program: '/no/such/program', modelFolder: '/' };
    await expect(runDecoder(sphinx, new Int16Array(1), signal)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('is ended when it writes without end', async () => {
    await expect(run('while :; do echo word; done')).rejects.toMatchObject({
      code: 'INTERNAL',
      detail: expect.stringContaining('SIGKILL'),
    });
  });

  it('is gone when nobody waits for it any more, whatever it does', async () => {
    const abort = new AbortController();
    const note = join(folder, 'pid');
    const running = run(
      `trap "" TERM INT; echo $$ > ${note}.new; mv ${note}.new ${note}; while :; do :; done`,
      abort.signal,
    );
    running.catch(() => undefined);
    const deadline = AbortSignal.timeout(50_000);
    while (!existsSync(note)) {
      deadline.throwIfAborted();
      await setTimeout(10);
    }
    abort.abort(new Error('nobody waits'));
    await expect(running).rejects.toThrow('nobody waits');
    const pid = Number(await readFile(note, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('is not begun for somebody who has left', async () => {
    await expect(run(`touch ${folder}/begun`, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(existsSync(join(folder, 'begun'))).toBe(false);
  });

  it('is looked for, and what is missing is told', async () => {
    await expect(findPocketSphinx('/no/such/program')).rejects.toThrow('no program in /no/such');
  });
});
