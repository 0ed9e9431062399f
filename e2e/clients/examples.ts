import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeIf, program, pythonClients, pythonPath } from '@fovea/testing';
import { describe, expect, it } from '@jest/globals';
import { repository } from '../support/part.js';
import { type ClientWorld, describer, hearer } from './world.js';

const execute = promisify(execFile);
const picture = 'examples/shapes.png';
const question = 'Describe the following image. Answer in 20 words or less.';
const shape = /triangle|circle|square|rectangle|cross|star|pentagon|hexagon|ring|diamond/i;
const vectors = /^256 \[/m;

/** Runs an example as its first lines say, but for address and key. */
async function run({ url, key }: ClientWorld, command: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', FOVEA_URL: url, FOVEA_API_KEY: key };
  return (await execute(command, args, { cwd: repository, env, timeout: 60_000 })).stdout;
}

/** As `tsc` would make it; the packages are those of the checkout. */
const runTypeScript = (world: ClientWorld, file: string, ...args: string[]): Promise<string> => {
  const loader = join(repository, 'packages/testing/src/register-typescript.mjs');
  return run(world, process.execPath, '--import', loader, `examples/typescript/src/${file}`, ...args);
};

export function examplesSuite(world: () => ClientWorld): void {
  describe('the examples', () => {
    describeIf(program('curl'), 'for curl', () => {
      it('curl.sh chats about a picture', async () => {
        const whole = await run(world(), 'examples/curl.sh', picture, describer, question, 'false');
        expect(whole).toMatch(shape);
      });
      it('curl_routes.sh gets vectors, a text, a completion', async () => {
        const ask = (...args: string[]): Promise<string> => run(world(), 'examples/curl_routes.sh', ...args);
        expect(await ask('embed', world().writer, 'a "b"')).toMatch(/"embedding":\[/);
        expect(await ask('transcribe', hearer, world().recordingPath)).toMatch(/light/i);
        expect(await ask('complete', world().writer, 'a b')).toMatch(/"type":"completion_summary"/);
      });
    });

    describeIf(pythonClients, 'for Python', () => {
      const ask = (file: string, ...args: string[]): Promise<string> =>
        run(world(), pythonPath, `examples/${file}`, ...args);
      it.each(['python_openai.py', 'python_aleph_alpha.py'])('%s chats about a picture', async (file) => {
        expect(await ask(file, picture, describer, question)).toMatch(shape);
      });
      it('python_openai_routes.py gets vectors, a text, a completion', async () => {
        const file = 'python_openai_routes.py';
        expect(await ask(file, 'embed', world().writer, 'a', 'b')).toMatch(vectors);
        expect(await ask(file, 'transcribe', hearer, world().recordingPath)).toMatch(/light/i);
        expect(await ask(file, 'complete', world().writer, 'a b')).toMatch(/\S/);
      });
      it('python_aleph_alpha_routes.py gets a completion and vectors', async () => {
        const file = 'python_aleph_alpha_routes.py';
        expect(await ask(file, 'embed', world().writer, 'a', 'b')).toMatch(vectors);
        expect(await ask(file, 'complete', world().writer, 'a b')).toMatch(/\S/);
      });
    });

    it.each(['ask.ts', 'vercel-ai.ts'])('%s chats about a picture', async (file) => {
      expect(await runTypeScript(world(), file, picture, describer, question)).toMatch(shape);
    });
    it('send-once.ts sends a picture once', async () => {
      expect(await runTypeScript(world(), 'send-once.ts', picture, describer)).toMatch(/^sent \d+ bytes/);
    });
  });
}
