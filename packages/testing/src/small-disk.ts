import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Requirement } from './requirement.js';

function mount(folder: string, bytes: number): string | undefined {
  const options = `size=${bytes},mode=0700`;
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'fovea-test', folder], { encoding: 'utf8' });
  return done.status === 0 ? undefined : (done.error?.message ?? done.stderr.trim());
}

const unmount = (folder: string): boolean => spawnSync('umount', ['--lazy', folder]).status === 0;

/** Disks that tests may fill: root on Linux can mount memory. */
export const smallDisk: Requirement = {
  name: 'small disk',
  missing: () => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount one';
    const folder = mkdtempSync(join(tmpdir(), 'fovea-disk-'));
    const problem = mount(folder, 65_536);
    if (problem === undefined) unmount(folder);
    rmSync(folder, { recursive: true });
    return problem;
  },
};

export interface SmallDisk {
  readonly folder: string;
  remove(): Promise<void>;
}

/** A file system of `bytes` in memory. Throws when it cannot be mounted. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-disk-'));
  const problem = mount(folder, bytes);
  if (problem !== undefined) throw new Error(`no small disk: ${problem}`);
  return {
    folder,
    async remove() {
      if (!unmount(folder)) throw new Error(`${folder} could not be unmounted`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
