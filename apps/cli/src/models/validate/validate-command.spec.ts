import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from '../../failure.js';
import { run } from '../../program.js';
import { fakeTerminal } from '../../testing/fake-terminal.js';

const good = (name: string, type = 'onnx', more = ''): string => `edition = 1
[generator]
type = "${type}"
${more}
[queue]
checkpoint_name = "${name}-checkpoint"
version = 2
[queue.models."${name}"]
chat_task.supported = true
`;

describe('fovea models validate', () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'fovea-validate-'));
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  const validate = async (...words: string[]) => {
    const terminal = fakeTerminal({ cwd });
    const exitCode = await run(['models', 'validate', ...words], terminal);
    return { exitCode, out: terminal.stdout.text, err: terminal.stderr.text };
  };
  const write = (name: string, text: string): Promise<void> => writeFile(join(cwd, name), text);

  it('says of a good file what it offers', async () => {
    await write('a.toml', good('a'));
    const { exitCode, out } = await validate('a.toml');
    expect(exitCode).toBe(exitCodes.done);
    expect(out).toBe('ok  a.toml: a-checkpoint version 2: a\n');
  });

  it('tells every problem with line and column, and the keys that would be ignored', async () => {
    await write(
      'bad.toml',
      good('a').replace('version = 2', 'version = "2"\nversio = 2').replace('true', '1'),
    );
    const { exitCode, out } = await validate('bad.toml');
    expect(exitCode).toBe(exitCodes.failed);
    expect(out.split('\n')).toEqual([
      'fail  bad.toml:7:1: queue.version: found "2", expected a whole number of at least 0',
      'fail  bad.toml:10:1: queue.models."a".chat_task.supported: found 1, expected a boolean',
      'warn  bad.toml: queue.versio (line 8, column 1) is unknown and ignored',
      '',
    ]);
  });

  it('tells where a file stops being TOML, without its text', async () => {
    await write('torn.toml', `${good('a')}token = "hunter2\n`);
    const { exitCode, out } = await validate('torn.toml');
    expect(exitCode).toBe(exitCodes.failed);
    expect(out).toMatch(/^fail {2}torn\.toml:10:\d+: the file: found .*, expected TOML\n$/);
    expect(out).not.toContain('hunter2');
  });

  it('checks key file, model folder, image processor and tasks as this host sees them', async () => {
    await write('empty-key', '');
    await write('v.toml', good('v', 'vllm', 'model_path = "nowhere"\napi_key_file = "empty-key"'));
    await write(
      'w.toml',
      good('w', 'vllm', 'url = "http://e"\napi_key_file = "missing"').replace(
        'chat_task.supported = true',
        'multimodal_enabled = true',
      ),
    );
    const { exitCode, out } = await validate('v.toml', 'w.toml');
    expect(exitCode).toBe(exitCodes.failed);
    expect(out).toMatch(/fail {2}v\.toml: generator\.api_key_file: found .*empty-key, which is empty/);
    expect(out).toMatch(/warn {2}v\.toml: generator\.model_path: there is no folder .*nowhere/);
    expect(out).toContain('warn  v.toml: generator.url is missing');
    expect(out).toMatch(/fail {2}w\.toml: generator\.api_key_file: found .*there is no such file/);
    expect(out).toContain('warn  w.toml: generator.image_processor: nothing tells');
    expect(out).toContain('warn  w.toml: queue.models."w" supports no task');
    expect(out).toContain('warn  w.toml: queue.models."w".multimodal_enabled has no effect');
  });

  it('takes an image processor that is known, and the files of a model folder', async () => {
    await mkdir(join(cwd, 'model'));
    const text = good(
      'q',
      'vllm',
      'url = "http://e"\nmodel_path = "model"\nimage_processor.family = "qwen2_5_vl"',
    );
    await write('q.toml', text.replace('chat_task', 'multimodal_enabled = true\nchat_task'));
    expect((await validate('q.toml')).out).toBe('ok  q.toml: q-checkpoint version 2: q\n');
  });

  it('reads folders, and finds a model name that two checkpoints offer', async () => {
    await write('a.toml', good('same'));
    await write('b.toml', good('same').replace('same-checkpoint', 'other'));
    await write('c.txt', 'no worker file');
    const { exitCode, out } = await validate('.', '--json');
    expect(exitCode).toBe(exitCodes.failed);
    expect(JSON.parse(out)).toMatchObject([
      { file: 'a.toml', problems: [], offers: 'same-checkpoint version 2: same' },
      {
        file: 'b.toml',
        problems: [{ where: 'queue.models."same"', found: expect.stringContaining('a.toml') }],
      },
    ]);
  });

  it.each([
    [['nothing.toml'], 'there is no such file'],
    [['empty'], 'holds no worker file'],
    [[], "missing required argument 'file'"],
  ])('calls %j a usage error', async (words, reason) => {
    await mkdir(join(cwd, 'empty'));
    const { exitCode, err } = await validate(...words);
    expect(exitCode).toBe(exitCodes.usage);
    expect(err).toContain(reason);
  });

  it('colours a terminal only, and none that asks for no colours', async () => {
    await write('a.toml', good('a'));
    const words = ['models', 'validate', 'a.toml'];
    const plain = fakeTerminal({ cwd, isTTY: true, env: { NO_COLOR: '1' } });
    await run(words, plain);
    expect(plain.stdout.text).not.toContain('\u001b');
    const coloured = fakeTerminal({ cwd, isTTY: true });
    await run(words, coloured);
    expect(coloured.stdout.text).toContain('\u001b[32mok\u001b[0m');
  });
});
