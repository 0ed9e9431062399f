import { describe, expect, it } from '@jest/globals';
import { exitCodes } from '../../failure.js';
import { run } from '../../program.js';
import { fakeTerminal } from '../../testing/fake-terminal.js';
import { answerJson, type Script, scriptedGateway } from '../../testing/scripted-gateway.js';

const settings = [
  { name: 'ocr', status: 'available', chat: true, multimodal: true, max_context_size: 4096 },
  {
    name: 'e5',
    status: 'unavailable',
    chat: false,
    multimodal: false,
    max_context_size: 512,
    completion_type: 'none',
    worker_type: 'vllm',
    embedding_task: { supported: true },
    rerank_task: { supported: true },
  },
  { name: 'speech', status: 'available', worker_type: 'transcription' },
];
const answers =
  (cards: object[]): Script =>
  ({ path }, response) =>
    answerJson(response, 200, path === '/v1/models' ? { object: 'list', data: cards } : settings);
const ls = async (cards: object[], ...more: string[]) => {
  await using gateway = await scriptedGateway(answers(cards));
  const terminal = fakeTerminal();
  expect(await run(['--url', gateway.url, 'models', 'ls', ...more], terminal)).toBe(exitCodes.done);
  return { text: terminal.stdout.text, seen: gateway.seen };
};
const cards = [
  { id: 'ocr', checkpoint: 'ocr-4', version: 3 },
  { id: 'e5', checkpoint: 'e5', version: 1 },
];

describe('fovea models ls', () => {
  it('shows name, package, status, capabilities and context as a table', async () => {
    const { text, seen } = await ls(cards);
    expect(text).toBe(
      'NAME    CHECKPOINT  VERSION  STATUS       CAPABILITIES  CONTEXT\n' +
        'ocr     ocr-4       3        available    chat,image    4096\n' +
        'e5      e5          1        unavailable  embed,rerank  512\n' +
        'speech  -           -        available    transcribe    -\n',
    );
    expect(seen.map(({ path }) => path).sort()).toEqual(['/v1/model-settings', '/v1/models']);
    expect(seen.every(({ authorization }) => authorization === 'Bearer k')).toBe(true);
  });

  it('prints the same as JSON', async () => {
    const { text } = await ls(cards, '--json');
    expect(JSON.parse(text)[0]).toEqual({
      name: 'ocr',
      checkpoint: 'ocr-4',
      version: 3,
      status: 'available',
      capabilities: ['chat', 'image'],
      context: 4096,
    });
  });

  it('does without the packages, which an older gateway does not name', async () => {
    expect((await ls([{ id: 'ocr' }])).text).toContain('ocr     -           -        available');
  });
});

describe('fovea models rm', () => {
  it('asks the gateway to forget the checkpoint, whatever its name', async () => {
    await using gateway = await scriptedGateway((_request, response) => void response.writeHead(204).end());
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'models', 'rm', 'org/m 7'], terminal)).toBe(exitCodes.done);
    expect(gateway.seen).toMatchObject([{ method: 'DELETE', path: '/v1/model-packages/org%2Fm%207' }]);
    expect(terminal.stderr.text).toBe('Forgot org/m 7.\n');
    expect(terminal.stdout.text).toBe('');
  });

  it('passes on why the gateway refuses', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 403, { error: 'This takes an admin key.', code: 'FORBIDDEN' }),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'models', 'rm', 'm'], terminal)).toBe(exitCodes.refused);
    expect(terminal.stderr.text).toBe('fovea: This takes an admin key. (FORBIDDEN)\n');
  });
});
