import { readFile, writeFile } from 'node:fs/promises';

const KIB = 1024;

export interface ProcessMemory {
  readonly rssBytes: number;
  /** The most it has been since the start of the process, or since `resetPeak`. */
  readonly peakBytes: number;
}

/** Parses `/proc/<pid>/status`. Throws when the kernel does not tell. */
export function parseStatus(status: string): ProcessMemory {
  const bytesOf = (field: string): number => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (match === null) throw new Error(`/proc has no ${field}`);
    return Number(match[1]) * KIB;
  };
  return { rssBytes: bytesOf('VmRSS'), peakBytes: bytesOf('VmHWM') };
}

export async function readMemory(pid: number): Promise<ProcessMemory> {
  return parseStatus(await readFile(`/proc/${pid}/status`, 'utf8'));
}

/**
 * Sets the peak back to what the process holds now. Throws where that is not permitted: the peak would be that of the
 * start.
 */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
