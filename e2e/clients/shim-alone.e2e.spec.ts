import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeIf,
  freePort,
  pythonClients,
  pythonPath,
  writeEmbeddingFolder,
  writeWhisperFolder,
} from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { repository } from '../support/part.js';
import { until } from '../support/until.js';

// Every block of docs/guides/shim-alone.md is run as it stands, but for the address and the folders that do not come along.

const page = await readFile(join(repository, 'docs/guides/shim-alone.md'), 'utf8');
const blocks = [...page.matchAll(/<!-- (.+?) -->\s+```(sh|js|python)\n(.*?)```/gs)].map(
  ([, mark = '', language = '', code = '']) => ({
    mark,
    language,
    code,
    prints: mark.startsWith('prints: ') ? new RegExp(mark.slice('prints: '.length), 'is') : undefined,
    title: code.split('\n').find((line) => /curl|import|SHIM/.test(line)) ?? code,
  }),
);
const startOf = (mark: string): string => blocks.find((block) => block.mark === mark)?.code ?? '';

/** A second of a tone, as 16-bit samples at 16 kHz. */
function speech(): Buffer {
  const samples = Int16Array.from({ length: 16_000 }, (_, at) => 9000 * Math.sin(at / 8));
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

let root: string;
let address: string;
let server: ChildProcess;

const here = (code: string): string =>
  code
    .replaceAll('http://127.0.0.1:8000', address)
    .replaceAll('/models/all-MiniLM-L6-v2', join(root, 'minilm'))
    .replaceAll('/models/whisper-tiny', join(root, 'whisper'));

/** Runs to the end; gives what was printed. Throws what was written to the error stream when it fails. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, {
    cwd: root,
    env: { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
  });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(`It ended with ${String(code)}:\n${out}\n${errors}`);
  return out;
}

async function start(code: string): Promise<ChildProcess> {
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  const child = spawn('sh', ['-c', `exec 2>&1; ${here(code).replace(' node ', ' exec node ')}`], {
    cwd: root,
    env: { PATH: process.env.PATH, SHIM_PORT: `${port}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  child.stdout.on('data', (bytes: Buffer) => {
    log += bytes.toString();
  });
  await until(
    'the engine to be ready',
    async () => {
      if (child.exitCode !== null) throw new Error(`It ended:\n${log}`);
      return (await fetch(`${address}/health`)).status === 200 ? true : undefined;
    },
    60_000,
  );
  return child;
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** A folder that looks like the repository to the page's commands, and has what they need besides. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-alone-'));
  for (const name of ['apps', 'models', 'examples', 'node_modules', 'packages']) {
    await symlink(join(repository, name), join(root, name));
  }
  await writeFile(join(root, 'speech.wav'), speech());
  await writeEmbeddingFolder(join(root, 'minilm'));
  await writeWhisperFolder(join(root, 'whisper'));
  server = await start(startOf('start all'));
}, 120_000);
afterAll(async () => {
  await stop(server);
  await rm(root, { recursive: true });
});

const asked = (language: string) =>
  blocks.filter((block) => block.language === language && block.prints !== undefined);

describe('the page of the engine alone', () => {
  it('marks every block', () => {
    expect(blocks).toHaveLength(page.match(/^```\w/gm)?.length ?? 0);
    expect(blocks.filter(({ prints }) => prints === undefined).map(({ mark }) => mark)).toEqual([
      'start',
      'start all',
    ]);
  });

  it.each(asked('sh'))('shows a command that works: $title', async ({ code, prints }) => {
    expect(await run('sh', ['-c', here(code)])).toMatch(prints!);
  });

  it.each(asked('js'))('shows a program for Node that works: $title', async ({ code, prints }) => {
    const file = join(root, 'client.mjs');
    await writeFile(file, here(code));
    const printed = await run(process.execPath, [file]);
    expect(printed).toMatch(prints!);
    // Two echoes with log probabilities, whose first has none; and the length of a vector.
    expect(printed).toMatch(/Assistant: The.*\[\s*null,.*Assistant: There.*\[\s*null,.*\d+\s*$/s);
  });

  it('starts with one model, too', async () => {
    const before = address;
    const alone = await start(startOf('start'));
    try {
      const models = await (await fetch(`${address}/v1/models`)).text();
      expect(models).toContain('"shapes-vlm"');
      expect(models).not.toContain('"minilm"');
    } finally {
      await stop(alone);
      address = before;
    }
  }, 60_000);
});

describeIf(pythonClients, 'the page of the engine alone, in Python', () => {
  it.each(asked('python'))('shows a program that works: $title', async ({ code, prints }) => {
    const file = join(root, 'client.py');
    await writeFile(file, here(code));
    expect(await run(pythonPath, [file])).toMatch(prints!);
  });
});
