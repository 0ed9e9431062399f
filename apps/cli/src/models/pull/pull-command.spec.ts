import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from '../../failure.js';
import { run } from '../../program.js';
import { fakeHub, type HubDouble } from '../../testing/fake-hub.js';
import { fakeTerminal } from '../../testing/fake-terminal.js';

const GRAPH = 'onnx/model.onnx';
const bytes = (length: number, seed: number) => Buffer.alloc(length, Buffer.from(`bytes ${seed} `));

const repository = () =>
  new Map([
    ['config.json', Buffer.from('{"model_type":"llama"}')],
    ['tokenizer.json', bytes(5000, 1)],
    [GRAPH, bytes(300_000, 2)],
    [`${GRAPH}_data`, bytes(2_000_000, 3)],
    ['onnx/model_q4.onnx', bytes(100_000, 4)],
    ['onnx/decoder_with_past_model.onnx', bytes(1000, 5)],
    ['model.safetensors', bytes(4000, 6)],
    ['install.py', Buffer.from('print()')],
    ['../escape/config.json', Buffer.from('{}')],
  ]);

let cwd: string;
let folder: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'fovea-pull-'));
  folder = join(cwd, 'models/model');
});
afterEach(() => rm(cwd, { recursive: true }));

async function pull(hub: Pick<HubDouble, 'url'>, args: string[] = [], env: Record<string, string> = {}) {
  const terminal = fakeTerminal({ cwd, env: { HF_ENDPOINT: hub.url, ...env } });
  const exitCode = await run(['models', 'pull', ...args, 'owner/model'], terminal);
  return { exitCode, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
}

const filesThere = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const rangesOf = (hub: HubDouble, path: string) =>
  hub.seen.filter((request) => request.path.endsWith(path)).map(({ range }) => range);

describe('fovea models pull', () => {
  it('fetches what a model needs, and nothing else, into models/<name>', async () => {
    await using hub = await fakeHub(repository());
    expect(await pull(hub)).toMatchObject({ exitCode: exitCodes.done, stdout: `${folder}\n` });
    expect(await filesThere()).toEqual(['config.json', GRAPH, `${GRAPH}_data`, 'tokenizer.json']);
    for (const path of await filesThere()) {
      expect(hub.files.get(path)?.equals(await readFile(join(folder, path)))).toBe(true);
    }
    await expect(access(join(cwd, 'models/escape'))).rejects.toThrow('ENOENT');
  });

  it('fetches the precisions asked for, into the folder asked for', async () => {
    await using hub = await fakeHub(repository());
    folder = join(cwd, 'mine');
    await pull(hub, ['--dtype', 'q4', '--into', 'mine']);
    expect(await filesThere()).toEqual(['config.json', 'onnx/model_q4.onnx', 'tokenizer.json']);
  });

  it('fetches nothing a second time, and again what has changed on the disk', async () => {
    await using hub = await fakeHub(repository());
    await pull(hub);
    await writeFile(join(folder, 'tokenizer.json'), bytes(5000, 9));
    const asked = rangesOf(hub, GRAPH).length;
    const { stderr } = await pull(hub);
    expect(rangesOf(hub, GRAPH)).toHaveLength(asked);
    expect(stderr).toContain(`unchanged ${GRAPH}\n`);
    expect(stderr).toContain('fetched tokenizer.json\n');
    expect((await readFile(join(folder, 'tokenizer.json'))).equals(bytes(5000, 1))).toBe(true);
  });

  it('goes on where a connection broke off', async () => {
    await using hub = await fakeHub(repository());
    hub.breakOff(`${GRAPH}_data`, 1_200_000);
    const first = await pull(hub);
    expect(first.exitCode).toBe(exitCodes.interrupted);
    expect(first.stderr).toContain('run the command again to go on');
    expect(await filesThere()).not.toContain(`${GRAPH}_data`);
    const { length } = await readFile(join(folder, `${GRAPH}_data.part`));
    expect(length).toBeGreaterThan(0);
    expect((await pull(hub)).exitCode).toBe(exitCodes.done);
    expect(rangesOf(hub, `${GRAPH}_data`).at(-1)).toBe(`bytes=${length}-1999999`);
    expect((await readFile(join(folder, `${GRAPH}_data`))).equals(bytes(2_000_000, 3))).toBe(true);
    expect((await filesThere()).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it.each([
    ['of another revision', bytes(1000, 99)],
    ['longer than the file', bytes(400_000, 99)],
  ])('starts again when what is there is the beginning %s', async (_what, begun) => {
    await using hub = await fakeHub(repository());
    await mkdir(join(folder, 'onnx'), { recursive: true });
    await writeFile(join(folder, `${GRAPH}.part`), begun);
    expect((await pull(hub)).exitCode).toBe(exitCodes.done);
    expect((await readFile(join(folder, GRAPH))).equals(bytes(300_000, 2))).toBe(true);
  });

  it.each([GRAPH, 'config.json'])('keeps no %s whose digest is wrong', async (path) => {
    await using hub = await fakeHub(repository());
    hub.corrupt(path, bytes(hub.files.get(path)?.length ?? 0, 77));
    const { exitCode, stderr } = await pull(hub);
    expect(exitCode).toBe(exitCodes.refused);
    expect(stderr).toContain(`${path} does not have the digest that the hub tells`);
    await expect(access(join(folder, path))).rejects.toThrow('ENOENT');
    await expect(access(join(folder, `${path}.part`))).rejects.toThrow('ENOENT');
  });

  it('shows the token to the hub alone', async () => {
    await using hub = await fakeHub(repository(), 'hf_secret');
    const refused = await pull(hub);
    expect(refused.exitCode).toBe(exitCodes.refused);
    expect(refused.stderr).toContain('HF_TOKEN');
    const { exitCode, stdout, stderr } = await pull(hub, [], { HF_TOKEN: 'hf_secret' });
    expect(exitCode).toBe(exitCodes.done);
    expect(stdout + stderr).not.toContain('hf_secret');
  });

  it('draws a bar on a terminal', async () => {
    await using hub = await fakeHub(repository());
    const terminal = fakeTerminal({ cwd, env: { HF_ENDPOINT: hub.url }, isTTY: true });
    await run(['models', 'pull', 'owner/model'], terminal);
    expect(terminal.stderr.text).toMatch(/█{20} 100 % {2}2\.3 of 2\.3 MB {2}onnx\/model\.onnx_data/);
  });

  it.each([
    [['--dtype', 'q8'], exitCodes.usage, 'There is no q8 in it, but fp32, q4: choose with --dtype.'],
    [['--dtype', 'q3'], exitCodes.usage, '"q3" is none of fp32'],
    [['--revision', 'v2'], exitCodes.refused, 'answered 404 for owner/model at v2: there is no such model'],
  ])('with %s ends with a sentence', async (args, exitCode, sentence) => {
    await using hub = await fakeHub(repository());
    const answer = await pull(hub, args);
    expect(answer.exitCode).toBe(exitCode);
    expect(answer.stderr).toContain(sentence);
    expect(await readdir(cwd)).toEqual([]);
  });

  it('tells when no hub is there, and when the name is none', async () => {
    let url = '';
    {
      await using hub = await fakeHub(repository());
      url = hub.url;
    }
    expect(await pull({ url })).toMatchObject({ exitCode: exitCodes.unreachable });
    const terminal = fakeTerminal({ cwd, env: { HF_ENDPOINT: url } });
    expect(await run(['models', 'pull', '../../etc'], terminal)).toBe(exitCodes.usage);
  });

  it('stops at Ctrl-C and leaves what came', async () => {
    await using hub = await fakeHub(repository());
    const terminal = fakeTerminal({ cwd, env: { HF_ENDPOINT: hub.url } });
    terminal.stderr.on('captured', () => terminal.cancel.abort());
    expect(await run(['models', 'pull', 'owner/model'], terminal)).toBe(exitCodes.cancelled);
    expect((await filesThere()).filter((name) => !name.endsWith('.part'))).toEqual(['config.json']);
  });
});
