import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exitCodes, Failure, fileReason } from '../failure.js';

/** Reads a file whole. Throws a usage `Failure` with its name when it cannot, or when it has more bytes. */
export async function readFileBounded(name: string, cwd: string, maxBytes: number): Promise<Buffer> {
  try {
    const file = await open(resolve(cwd, name));
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Failure(exitCodes.usage, `${name} is not a file.`);
      if (stat.size > maxBytes) {
        const message = `${name} has ${stat.size} bytes; a request carries files of ${maxBytes} bytes at most.`;
        throw new Failure(exitCodes.usage, message);
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(exitCodes.usage, `${name} cannot be read: ${fileReason(cause)}.`, { cause });
  }
}
