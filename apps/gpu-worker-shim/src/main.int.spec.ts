import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ChatClient } from './testing/chat-client.js';

// The built program as a process of its own: build before.
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const models = fileURLToPath(new URL('../../../models/shapes-vlm', import.meta.url));

const lineSchema = z.looseObject({ msg: z.string(), address: z.string().optional() });

interface Program {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** All of it so far. */
  output(): string;
  /** The first log line with that message; undefined when the program ended without. */
  line(message: string): Promise<z.infer<typeof lineSchema> | undefined>;
}

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
});

function run(env: Record<string, string>): Program {
  const child = spawn(process.execPath, [program], {
    env: { SHIM_PORT: '0', SHIM_POCKETSPHINX: 'off', ...env },
    stdio: 'pipe',
  });
  started.push(child);
  let output = '';
  child.stderr.on('data', (bytes) => {
    output += bytes;
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (text) => {
    output += `${text}\n`;
  });
  const exited = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  const parsed = () =>
    output
      .split('\n')
      .filter((text) => text.startsWith('{'))
      .map((text) => lineSchema.parse(JSON.parse(text)));
  return {
    child,
    exited,
    output: () => output,
    async line(message) {
      for (;;) {
        const found = parsed().find(({ msg }) => msg === message);
        if (found !== undefined || child.exitCode !== null) return found;
        await Promise.race([once(lines, 'line'), exited]);
      }
    },
  };
}

async function listening(program: Program): Promise<string> {
  const address = (await program.line('listening'))?.address;
  if (address === undefined) throw new Error(`The program did not listen: ${program.output()}`);
  return address;
}

describe('the program', () => {
  it('finishes a running stream after SIGTERM, takes nothing new, and leaves with code 0', async () => {
    const shim = run({ SHIM_MODELS: models });
    const address = await listening(shim);
    const client = new ChatClient(address);
    const body = { ...ChatClient.ask('Who are you?'), ignore_eos: true, max_tokens: 300 };
    const stream = client.stream({ ...body, stream_options: { include_usage: true } });
    const contents = [(await stream.next()).value];
    shim.child.kill('SIGTERM');
    await shim.line('draining');
    await expect(fetch(`${address}/health`, { headers: { connection: 'close' } })).rejects.toThrow();
    for await (const content of stream) contents.push(content);
    // A role chunk, one per token, and the usage.
    expect(contents).toHaveLength(302);
    expect(await shim.exited).toBe(0);
    expect(await shim.line('closed')).toBeDefined();
  });

  it('takes a key from a file and asks for it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fovea-shim-'));
    await writeFile(join(folder, 'key'), 'sk-file\n');
    const shim = run({ SHIM_MODELS: `eyes=${models}`, SHIM_API_KEY_FILE: join(folder, 'key') });
    const address = await listening(shim);
    const cards = (headers: Record<string, string>) => fetch(`${address}/v1/models`, { headers });
    expect((await cards({})).status).toBe(401);
    const response = await cards({ authorization: 'Bearer sk-file' });
    expect(await response.json()).toMatchObject({ data: [{ id: 'eyes', max_model_len: 512 }] });
    await rm(folder, { recursive: true });
  });

  it.each([
    ['no models', {}, 'SHIM_MODELS'],
    [
      'a port that is none',
      { SHIM_MODELS: models, SHIM_PORT: '99999' },
      'SHIM_PORT: found "99999", expected a port number from 0 to 65535',
    ],
    [
      'a folder that is not there',
      { SHIM_MODELS: 'x=/nowhere' },
      '/nowhere/config.json: the file is missing',
    ],
    [
      'a folder without models',
      { SHIM_MODELS: join(models, 'onnx') },
      'holds no config.json and no model folder',
    ],
    [
      'an execution provider that is not there',
      { SHIM_MODELS: models, SHIM_EXECUTION_PROVIDERS: 'cuda' },
      'vision_encoder.onnx',
    ],
    [
      'a PocketSphinx that is not there',
      { SHIM_MODELS: models, SHIM_POCKETSPHINX: '/nowhere/pocketsphinx_continuous' },
      'SHIM_POCKETSPHINX: no pocketsphinx_continuous in /nowhere',
    ],
  ])('refuses to start with %s, and says why', async (_what, env, reason) => {
    const shim = run(env);
    expect(await shim.exited).toBe(1);
    expect(shim.output()).toContain(reason);
  });
});
