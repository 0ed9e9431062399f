import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { ModelSource } from '../models/model-family.js';
import { readModelType } from '../models/model-folder.js';

const isModelFolder = (folder: string): Promise<boolean> =>
  stat(join(folder, 'config.json')).then(
    (facts) => facts.isFile(),
    () => false,
  );

async function toSource(name: string, folder: string): Promise<ModelSource> {
  return { name, folder, modelType: await readModelType(folder) };
}

async function modelsBelow(folder: string): Promise<ModelSource[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new Error(
      `SHIM_MODELS: ${folder} cannot be read (${error instanceof Error ? error.message : error})`,
    );
  });
  const sources: ModelSource[] = [];
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name, 'en'))) {
    const below = join(folder, entry.name);
    if (await isModelFolder(below)) sources.push(await toSource(entry.name, below));
  }
  if (sources.length === 0)
    throw new Error(`SHIM_MODELS: ${folder} holds no config.json and no model folder`);
  return sources;
}

async function toSources(entry: string): Promise<ModelSource[]> {
  const cut = entry.indexOf('=');
  if (cut > 0) return [await toSource(entry.slice(0, cut).trim(), resolve(entry.slice(cut + 1).trim()))];
  const folder = resolve(entry);
  return (await isModelFolder(folder)) ? [await toSource(basename(folder), folder)] : modelsBelow(folder);
}

/**
 * The models that `SHIM_MODELS` names: `name=folder`, a model folder, or a folder of model folders. Throws an `Error` that
 * names the folder or file that is missing, or the name that is given twice.
 */
export async function findModelSources(entries: readonly string[]): Promise<ModelSource[]> {
  const sources = (await Promise.all(entries.map(toSources))).flat();
  const names = sources.map((source) => source.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`SHIM_MODELS: the name "${twice}" is given twice`);
  return sources;
}
