import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Requirement } from './requirement.js';

const shell = (command: string, ...values: string[]) =>
  spawnSync('sh', ['-c', command, 'sh', ...values], { encoding: 'utf8' });

/** Undefined when it worked, else why it did not. */
function mount(folder: string, bytes: number): string | undefined {
  const done = shell('mount -t tmpfs -o "size=$1,mode=0700" fovea-test "$2"', `${bytes}`, folder);
  return done.status === 0 ? undefined : (done.error?.message ?? done.stderr.trim());
}

const unmount = (folder: string): boolean => shell('umount --lazy "$1"', folder).status === 0;

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
