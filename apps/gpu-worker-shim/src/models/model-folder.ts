import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const reasonOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'
    ? 'the file is missing'
    : error instanceof Error
      ? error.message
      : String(error);

/** Reads one JSON file of a model folder. Throws an `Error` with the path and every field that is wrong. */
export async function readModelFile<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const file = join(folder, name);
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file}: ${reasonOf(error)}`);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`${file}: ${problems.join('; ')}`);
}

/** The same, with `absent` for a file that is not there. */
export async function readOptionalModelFile<T>(
  folder: string,
  name: string,
  schema: z.ZodType<T>,
  absent: T,
): Promise<T> {
  const isThere = await access(join(folder, name)).then(
    () => true,
    () => false,
  );
  return isThere ? readModelFile(folder, name, schema) : absent;
}

/** Path of a file that must be there, like a graph. Throws an `Error` with the path when it is not readable. */
export async function requireModelFile(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw new Error(`${file}: ${reasonOf(error)}`);
  }
  return file;
}

/** `model_type` of a model folder, which decides on the family. */
export async function readModelType(folder: string): Promise<string> {
  const config = await readModelFile(folder, 'config.json', z.looseObject({ model_type: z.string() }));
  return config.model_type;
}
