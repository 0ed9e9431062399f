import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findConnection } from './connection.js';
import { exitCodes } from './failure.js';
import { run } from './program.js';
import { fakeTerminal } from './testing/fake-terminal.js';
import { answerJson, scriptedGateway } from './testing/scripted-gateway.js';

const models = (url: string) => ['--url', url, 'models', 'ls'];

describe('fovea', () => {
  it('tells code, field, limit and request id of a refusal in the dialect of OpenAI', async () => {
    const error = {
      message: 'The image is too large.',
      type: 'invalid_request_error',
      param: 'messages[0].content[0].image_url.url',
      code: 'IMAGE_TOO_LARGE',
      limit: { name: 'max_image_side_px', value: 4000, actual: 5000 },
    };
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 400, { error, code: error.code }, { 'x-request-id': 'abc' }),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm', 'x'], terminal)).toBe(exitCodes.refused);
    expect(terminal.stderr.text).toBe(
      'fovea: The image is too large. (IMAGE_TOO_LARGE at messages[0].content[0].image_url.url, ' +
        'limit max_image_side_px 4000, got 5000, request abc)\n',
    );
    expect(terminal.stdout.text).toBe('');
  });

  it('tells a refusal in the flat dialect, with the wait it asks for', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 503, { error: 'The queue is full.', code: 'QUEUE_FULL' }, { 'retry-after': '3' }),
    );
    const terminal = fakeTerminal();
    expect(await run(models(gateway.url), terminal)).toBe(exitCodes.refused);
    expect(terminal.stderr.text).toBe('fovea: The queue is full. Try again in 3 s. (QUEUE_FULL)\n');
  });

  it('says so when something else than a gateway answers', async () => {
    await using gateway = await scriptedGateway(
      (_request, response) => void response.end('<html>hello</html>'),
    );
    await using proxy = await scriptedGateway(
      (_request, response) => void response.writeHead(502).end('bad'),
    );
    for (const { url } of [gateway, proxy]) {
      const terminal = fakeTerminal();
      expect(await run(models(url), terminal)).toBe(exitCodes.unreachable);
      expect(terminal.stderr.text).toContain('does not speak this API');
    }
  });

  it('says so when nothing listens', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await new Promise((closed) => server.close(closed));
    const terminal = fakeTerminal();
    expect(await run(models(`http://127.0.0.1:${port}`), terminal)).toBe(exitCodes.unreachable);
    expect(terminal.stderr.text).toContain('connection refused');
  });

  it('names its exit codes in --help, and an unknown command is a usage error', async () => {
    const help = fakeTerminal();
    expect(await run(['--help'], help)).toBe(exitCodes.done);
    for (const code of Object.values(exitCodes)) expect(help.stdout.text).toMatch(new RegExp(`\\b${code} `));
    expect(await run(['dance'], fakeTerminal())).toBe(exitCodes.usage);
  });

  it.each([
    [['docter'], 'Did you mean doctor?'],
    [['queues', 'drian', 'x'], 'Did you mean drain?'],
    [['models', 'ls', '--jsno'], 'Did you mean --json?'],
  ])('suggests what %j may mean, and where help is', async (words, suggestion) => {
    const terminal = fakeTerminal();
    expect(await run(words, terminal)).toBe(exitCodes.usage);
    expect(terminal.stderr.text).toContain(suggestion);
    expect(terminal.stderr.text).toContain('--help');
    expect(terminal.stdout.text).toBe('');
  });

  it('tells the commands of a group that is called alone, as a usage error', async () => {
    for (const group of ['models', 'keys', 'queues']) {
      const terminal = fakeTerminal();
      expect(await run([group], terminal)).toBe(exitCodes.usage);
      expect(terminal.stderr.text).toContain(`Usage: fovea ${group}`);
    }
  });
});

describe('findConnection', () => {
  it('takes the option before the environment and the environment before the default', async () => {
    const env = { FOVEA_URL: 'http://there:1/v1', FOVEA_API_KEY: 'from-env' };
    const terminal = fakeTerminal({ env });
    expect(await findConnection({}, terminal)).toEqual({ baseUrl: 'http://there:1', key: 'from-env' });
    const options = { url: 'https://here/pharia/', key: 'given' };
    expect(await findConnection(options, terminal)).toEqual({ baseUrl: 'https://here/pharia', key: 'given' });
    const bare = await findConnection({}, fakeTerminal());
    expect(bare.baseUrl).toBe('http://127.0.0.1:8080');
  });

  it('uses the key of the checkout it runs in, and only for this machine', async () => {
    const checkout = await mkdtemp(join(tmpdir(), 'fovea-checkout-'));
    try {
      await mkdir(join(checkout, '.fovea'));
      await mkdir(join(checkout, 'deep', 'er'), { recursive: true });
      await writeFile(join(checkout, '.fovea', 'api-key'), 'local-key\n');
      const terminal = fakeTerminal({ env: {}, cwd: join(checkout, 'deep', 'er') });
      expect((await findConnection({}, terminal)).key).toBe('local-key');
      expect((await findConnection({ url: 'http://localhost:9' }, terminal)).key).toBe('local-key');
      await expect(findConnection({ url: 'http://example.org' }, terminal)).rejects.toThrow('No API key');
    } finally {
      await rm(checkout, { recursive: true, force: true });
    }
  });

  it('reads a key file, and says when it cannot', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fovea-key-'));
    try {
      await writeFile(join(folder, 'key'), ' secret \n');
      await writeFile(join(folder, 'empty'), '\n');
      const using = (name: string) =>
        findConnection({}, fakeTerminal({ env: { FOVEA_API_KEY_FILE: join(folder, name) } }));
      expect((await using('key')).key).toBe('secret');
      await expect(using('empty')).rejects.toThrow('is empty');
      await expect(using('none')).rejects.toThrow('cannot be read');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('refuses a key no header can carry without quoting it', async () => {
    const refused = findConnection({ key: 'two words' }, fakeTerminal());
    await expect(refused).rejects.toThrow('header');
    await expect(refused).rejects.not.toThrow('two words');
  });

  it('refuses an address that is no http URL', async () => {
    await expect(findConnection({ url: 'localhost:8080' }, fakeTerminal())).rejects.toThrow('http or https');
  });
});
