import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exitCodes } from '../failure.js';
import { run } from '../program.js';
import { fakeTerminal } from '../testing/fake-terminal.js';
import { answerJson, type Script, scriptedGateway } from '../testing/scripted-gateway.js';

describe('fovea transcribe', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'fovea-transcribe-'));
    await writeFile(join(cwd, 'a.wav'), 'RIFF-sound');
    await writeFile(join(cwd, 'empty.wav'), '');
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  const says =
    (answer: string, models: object[] = []): Script =>
    ({ path }, response) => {
      if (path === '/v1/model-settings') answerJson(response, 200, models);
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(answer);
    };

  it('sends the recording with what is known of it, and prints the answer as it is', async () => {
    await using gateway = await scriptedGateway(says('1\n00:00:00,000 --> 00:00:01,000\nhi\n\n'));
    const terminal = fakeTerminal({ cwd });
    const words = ['transcribe', 'a.wav', '-m', 'w', '-f', 'srt', '-l', 'de', '--prompt', 'Größe'];
    expect(await run(['--url', gateway.url, ...words], terminal)).toBe(exitCodes.done);
    const [{ method, path, body } = { method: '', path: '', body: '' }] = gateway.seen;
    expect([method, path]).toEqual(['POST', '/v1/audio/transcriptions']);
    for (const [name, value] of [
      ['model', 'w'],
      ['response_format', 'srt'],
      ['language', 'de'],
      ['prompt', 'Größe'],
    ]) {
      expect(body).toMatch(new RegExp(`name="${name}"\\r\\n\\r\\n${value}\\r\\n`));
    }
    expect(body).toMatch(/name="file"; filename="a\.wav"[\s\S]*RIFF-sound/);
    expect(terminal.stdout.text).toBe('1\n00:00:00,000 --> 00:00:01,000\nhi\n\n');
  });

  it('takes the first model for speech that has a worker, and says which', async () => {
    const models = [
      { name: 'chat', status: 'available', worker_type: 'vllm' },
      { name: 'away', status: 'unavailable', worker_type: 'transcription' },
      { name: 'here', status: 'available', worker_type: 'transcription' },
    ];
    await using gateway = await scriptedGateway(says('{"text":"hi"}', models));
    const terminal = fakeTerminal({ cwd });
    const words = ['--url', gateway.url, 'transcribe', 'a.wav', '--format', 'json'];
    expect(await run(words, terminal)).toBe(exitCodes.done);
    expect(terminal.stderr.text).toContain('Model here');
    expect(terminal.stdout.text).toBe('{"text":"hi"}\n');
  });

  it('says so when no model is for speech', async () => {
    await using gateway = await scriptedGateway(says('', [{ name: 'chat', status: 'available' }]));
    const terminal = fakeTerminal({ cwd });
    expect(await run(['--url', gateway.url, 'transcribe', 'a.wav'], terminal)).toBe(exitCodes.refused);
    expect(terminal.stderr.text).toContain('no model for speech');
  });

  it.each([
    ['none.wav', 'no such file'],
    ['empty.wav', 'is empty'],
    ['.', 'not a file'],
  ])('refuses %s before it asks anything', async (file, reason) => {
    await using gateway = await scriptedGateway(says(''));
    const terminal = fakeTerminal({ cwd });
    expect(await run(['--url', gateway.url, 'transcribe', '-m', 'w', file], terminal)).toBe(exitCodes.usage);
    expect(terminal.stderr.text).toContain(reason);
    expect(gateway.seen).toEqual([]);
  });

  it('knows the forms of an answer', async () => {
    const terminal = fakeTerminal({ cwd });
    expect(await run(['transcribe', 'a.wav', '-f', 'docx'], terminal)).toBe(exitCodes.usage);
    expect(terminal.stderr.text).toContain('text, srt, vtt, json, verbose_json');
  });
});
