import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pythonPath } from '@fovea/testing';
import { repository } from '../support/part.js';
import {
  type ClientWorld,
  describer,
  hearer,
  latecomer,
  placeSchema,
  question,
  single,
  weatherTool,
} from './world.js';

/** What a script told, by feature: what came back, or the error. */
export type Told = Readonly<Record<string, unknown>>;

/**
 * Runs a script of `e2e/clients/python` with the clients that `npm test` installed. It is told of the world in a JSON
 * object on its standard input and prints one.
 */
export const runPython = (world: ClientWorld, script: string, ...args: string[]): Promise<Told> =>
  run(world, pythonPath, [join(repository, 'e2e/clients/python', script), ...args]);

/** Runs a built program in the same way. */
export const runNode = (world: ClientWorld, script: string, ...args: string[]): Promise<Told> =>
  run(world, process.execPath, [join(repository, script), ...args]);

async function run(world: ClientWorld, command: string, args: readonly string[]): Promise<Told> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1' },
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdin.end(
    JSON.stringify({
      url: world.url,
      key: world.key,
      picture: world.picture.toString('base64'),
      recording: world.recordingPath,
      question,
      weather_tool: weatherTool,
      place_schema: placeSchema,
      models: { describer, hearer, latecomer, single, writer: world.writer },
    }),
  );
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args[0]} ended with ${String(code)}:\n${errors}`);
  const result: unknown = JSON.parse(out);
  return result as Told;
}
