import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createFileBlobStore } from './file-blob-store.js';

const script = fileURLToPath(new URL('./race-child.mjs', import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Resolves when the child works in the folder. */
  readonly up: Promise<unknown>;
  readonly exited: Promise<unknown>;
}

function startChild(root: string, id: number, turns: number): Child {
  const child = spawn(process.execPath, [
    '--conditions=source',
    '--import',
    '@fovea/testing/register-typescript',
    script,
    root,
    `${id}`,
    `${turns}`,
  ]);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { process: child, output: () => text, up: once(child.stdout, 'data'), exited: once(child, 'close') };
}

describe('several processes on one folder', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-race-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('never lose a blob that is referred to, and a killed one leaves nothing that a sweep does not find', async () => {
    const children = [1, 2, 3].map((id) => startChild(root, id, 60));
    const victim = startChild(root, 4, 1_000_000);
    await victim.up;
    await Promise.race(children.map((child) => child.up));
    victim.process.kill('SIGKILL');
    await Promise.all([victim, ...children].map((child) => child.exited));
    for (const child of children) {
      expect(child.output()).toBe('up\ndone\n');
      expect(child.process.exitCode).toBe(0);
    }
    const store = createFileBlobStore({ root, lingerS: 1, maxReferenceAgeS: 3_600, maxBytes: 1e9 });
    await store.sweep(Date.now() + 3_700_000);
    const left = await readdir(root, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile()).map((entry) => entry.name)).toEqual(['salt']);
  }, 60_000);
});
