import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';

/** What this process may hold at most. */
export interface MemoryLimit {
  readonly bytes: number;
  /** Who sets it: the container's (its control group's) limit, or what the machine has. */
  readonly of: 'container' | 'machine';
  /** Of the machine, where pages may go to. */
  readonly swapBytes: number;
}

const KIB = 1024;

/** A number of bytes in a file of `/proc`, which gives them in KiB; 0 where there is no such file or line. */
async function procBytes(file: string, name: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * KIB;
}

export async function readMemoryLimit(): Promise<MemoryLimit> {
  const machine = totalmem();
  // 0, or a number no machine has, where nobody set a limit.
  const container = constrainedMemory() ?? 0;
  const isContainer = container > 0 && container < machine;
  const swapBytes = await procBytes('/proc/meminfo', 'SwapTotal');
  return { bytes: isContainer ? container : machine, of: isContainer ? 'container' : 'machine', swapBytes };
}

/** Memory of this process that is in no file, so that it cannot be dropped. 0 where that is not known. */
export const readHeldBytes = (): Promise<number> => procBytes('/proc/self/status', 'RssAnon');
