import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeIf, pocketSphinx, spokenFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI, { toFile } from 'openai';
import { repository } from '../support/part.js';
import { keys, System } from '../support/system.js';

// A human voice through the whole system. Every command of docs/guides/transcribe.md is run as it stands, but for the address.

const page = await readFile(join(repository, 'docs/guides/transcribe.md'), 'utf8');
const commands = [...page.matchAll(/<!-- (.*?) -->\s+```(sh|toml)\n(.*?)```/gs)].map(
  ([, mark = '', language = '', code = '']) => ({
    mark,
    code,
    language,
    prints: mark.startsWith('prints:') ? new RegExp(mark.slice('prints:'.length).trim(), 's') : undefined,
    title: code.trim().split('\n').at(-1) ?? '',
  }),
);
const model = 'pocketsphinx-en-us';

describe('the page about speech', () => {
  it('marks every command: what it prints, or why it is not run', () => {
    expect(commands).toHaveLength(page.match(/^```(sh|toml)$/gm)?.length ?? 0);
    for (const { mark } of commands) expect(mark).toMatch(/^(prints:|not run: |worker file$)/);
  });
});

describeIf(pocketSphinx, 'a recording', () => {
  let system: System;
  let client: OpenAI;
  let speech: Buffer;
  beforeAll(async () => {
    system = await System.start();
    const file = join(repository, 'models/optional-workers/pocketsphinx.toml');
    await system.startAdapter('sphinx', await readFile(file, 'utf8'));
    await system.untilModel(model, 'available');
    client = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: keys.alpha, maxRetries: 0 });
    speech = await readFile(join(spokenFolder, 'cards/004.wav'));
    await mkdir(join(system.folder, '.fovea'));
    await writeFile(join(system.folder, '.fovea/api-key'), keys.alpha);
  }, 120_000);
  afterAll(() => system?.stop());

  async function run(code: string): Promise<string> {
    const child = spawn('sh', ['-c', code.replaceAll('http://127.0.0.1:8080', system.url)], {
      cwd: system.folder,
      env: { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString();
      });
    }
    const [exitCode]: unknown[] = await once(child, 'close');
    expect([exitCode, output]).toEqual([0, expect.anything()]);
    return output;
  }

  it('is written down by each command of the page', async () => {
    for (const { code, prints } of commands) {
      if (prints !== undefined) expect(await run(code)).toMatch(prints);
    }
  }, 300_000);

  it('is written down for the openai client', async () => {
    const file = () => toFile(speech, 'cards.wav');
    const plain = await client.audio.transcriptions.create({ model, file: await file(), temperature: 0 });
    expect(plain.text).toBe('five five');
    const verbose = await client.audio.transcriptions.create({
      model,
      file: await file(),
      language: 'en',
      response_format: 'verbose_json',
    });
    expect(verbose).toMatchObject({ text: 'five five', language: 'en' });
    const [segment] = verbose.segments ?? [];
    expect(segment?.text).toBe('five five');
    expect(segment?.start).toBeGreaterThan(0);
    expect(segment?.end).toBeLessThanOrEqual(Number(verbose.duration));
  }, 120_000);

  it('in another language is refused with the name of the field', async () => {
    const file = await toFile(speech, 'cards.wav');
    const asked = client.audio.transcriptions.create({ model, file, language: 'de' });
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'language' });
  }, 120_000);

  it('that is none is refused as audio, and nothing is left behind', async () => {
    const file = await toFile(Buffer.from('no sound at all'), 'speech.wav');
    const asked = client.audio.transcriptions.create({ model, file });
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'INVALID_AUDIO' });
    await system.untilClean();
  }, 120_000);
});
