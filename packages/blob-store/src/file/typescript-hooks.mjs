/** Lets a child process of a test import TypeScript sources without a build: `node --import <register> file.mjs`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !specifier.endsWith('.js')) throw error;
    return next(specifier.replace(/\.js$/, '.ts'), context);
  }
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  const jsc = { target: 'es2022', parser: { syntax: 'typescript' } };
  const { code } = await transform(source, { jsc, module: { type: 'es6' }, swcrc: false, configFile: false });
  return { format: 'module', source: code, shortCircuit: true };
}
