import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { inMib } from './in-mib.js';
import { type MemoryLimit, readHeldBytes, readMemoryLimit } from './memory-limit.js';

/** Bytes of a graph. */
export interface WeightBytes {
  /** Of the file itself, which is read as a whole. */
  readonly file: number;
  /** Of the files beside it that have its name and more: they are mapped, and may be read a part at a time. */
  readonly beside: number;
}

/** Sizes of a graph and of its external data. */
export async function readWeightBytes(file: string): Promise<WeightBytes> {
  const [folder, name] = [dirname(file), basename(file)];
  const others = (await readdir(folder)).filter((other) => other.startsWith(name) && other !== name);
  const sizes = await Promise.all(others.map(async (other) => (await stat(join(folder, other))).size));
  return { file: (await stat(file)).size, beside: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Undefined, or why a graph cannot be loaded, or may not be, beside what is held already. */
export function weightsProblem(
  { file, beside }: WeightBytes,
  heldBytes: number,
  { bytes, of, swapBytes }: MemoryLimit,
): { readonly isCertain: boolean; readonly reason: string } | undefined {
  if (heldBytes + file + beside <= bytes) return undefined;
  const reason = `the graph has ${inMib(file + beside)}, this process holds ${inMib(heldBytes)}, and the ${of} gives it ${inMib(bytes)}`;
  return { isCertain: heldBytes + file > bytes + swapBytes, reason };
}

/**
 * Asks for the memory of a graph before it is read: where it is not there, the system would end the process in the
 * middle. Warns where it may turn out too little.
 *
 * @throws Error that names the file and the numbers when it is certain to be too little.
 */
export async function assertWeightsFit(file: string): Promise<void> {
  const bytes = await readWeightBytes(file);
  const problem = weightsProblem(bytes, await readHeldBytes(), await readMemoryLimit());
  if (problem?.isCertain === true) throw new Error(`${file}: too large: ${problem.reason}`);
  if (problem !== undefined) process.emitWarning(`${file}: may be too large: ${problem.reason}`);
}
