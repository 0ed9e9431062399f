import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exitCodes } from '../failure.js';
import { run } from '../program.js';
import { fakeTerminal } from '../testing/fake-terminal.js';
import {
  answerJson,
  answerStream,
  chunk,
  DONE,
  type Script,
  scriptedGateway,
} from '../testing/scripted-gateway.js';

const completion = (content: string, finishReason = 'stop') => ({
  choices: [{ index: 0, finish_reason: finishReason, message: { role: 'assistant', content } }],
});
const streams =
  (...events: string[]): Script =>
  (_request, response) =>
    answerStream(response, events);

describe('fovea chat', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-cli-'));
    await writeFile(join(folder, 'a.dat'), Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1'));
    await writeFile(join(folder, 'b.png'), Buffer.from('\xff\xd8\xff\xe0', 'latin1'));
    await writeFile(join(folder, 'drawing.png'), '<svg/>');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([1, 2, 3, 50])('prints a stream that arrives in pieces of %i bytes', async (pieceBytes) => {
    const events = [chunk(''), chunk('Ein grünes '), chunk('Dreieck 🔺'), chunk('', 'stop'), DONE];
    await using gateway = await scriptedGateway((_request, response) =>
      answerStream(response, events, pieceBytes),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm', 'Was?'], terminal)).toBe(exitCodes.done);
    expect(terminal.stdout.text).toBe('Ein grünes Dreieck 🔺\n');
    expect(terminal.stderr.text).toBe('');
  });

  it('prints a token while the rest is still to come, and Ctrl-C closes the connection', async () => {
    let closed: Promise<unknown> | undefined;
    await using gateway = await scriptedGateway((_request, response) => {
      closed = once(response, 'close');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('first'));
    });
    const terminal = fakeTerminal();
    const captured = once(terminal.stdout, 'captured');
    const running = run(['--url', gateway.url, 'chat', '-m', 'm', 'Go'], terminal);
    await captured;
    terminal.cancel.abort();
    expect(await running).toBe(exitCodes.cancelled);
    await closed;
    expect(terminal.stdout.text).toBe('first\n');
  });

  it('sends system message, pictures by their content, question and token limit', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 200, completion('ok')),
    );
    const terminal = fakeTerminal({ cwd: folder });
    const words = [
      '--no-stream',
      '-m',
      'm',
      '-s',
      'Be short.',
      '--max-tokens',
      '5',
      '-i',
      'a.dat',
      '-i',
      'b.png',
    ];
    expect(await run(['--url', `${gateway.url}/v1/`, 'chat', ...words, 'What?'], terminal)).toBe(
      exitCodes.done,
    );
    expect(terminal.stdout.text).toBe('ok\n');
    expect(gateway.seen).toHaveLength(1);
    expect(gateway.seen[0]).toMatchObject({ path: '/v1/chat/completions', authorization: 'Bearer k' });
    expect(JSON.parse(gateway.seen[0]?.body ?? '')).toEqual({
      model: 'm',
      max_tokens: 5,
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgpyZXN0' } },
            { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/4A==' } },
            { type: 'text', text: 'What?' },
          ],
        },
      ],
    });
  });

  it('reads the question from stdin and sends text without pictures as a plain string', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 200, completion('ok')),
    );
    const terminal = fakeTerminal({ stdin: 'long\nquestion\n' });
    await run(['--url', gateway.url, 'chat', '--no-stream', '-m', 'm', '-'], terminal);
    expect(JSON.parse(gateway.seen[0]?.body ?? '').messages).toEqual([
      { role: 'user', content: 'long\nquestion' },
    ]);
  });

  it('without --model asks the first available model that fits, and says which', async () => {
    const listed = (name: string, status: string, multimodal: boolean) => ({
      name,
      status,
      chat: true,
      multimodal,
    });
    await using gateway = await scriptedGateway((request, response) => {
      if (request.method === 'POST') return answerJson(response, 200, completion('ok'));
      const models = [listed('words', 'available', false), listed('gone', 'unavailable', true)];
      return answerJson(response, 200, [...models, listed('sees', 'available', true)]);
    });
    const terminal = fakeTerminal({ cwd: folder });
    await run(['--url', gateway.url, 'chat', '--no-stream', '-i', 'a.dat', 'What?'], terminal);
    expect(JSON.parse(gateway.seen[1]?.body ?? '').model).toBe('sees');
    expect(terminal.stderr.text).toContain('sees');
    expect(terminal.stdout.text).toBe('ok\n');
  });

  it('says when the answer ended early', async () => {
    await using gateway = await scriptedGateway(streams(chunk('cut'), chunk('', 'length'), DONE));
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm', 'x'], terminal)).toBe(exitCodes.done);
    expect(terminal.stderr.text).toContain('length');
  });

  it('keeps control characters of an answer from a terminal, but not from a pipe', async () => {
    await using gateway = await scriptedGateway(streams(chunk('a\u001b[2Jb\tc\n'), chunk('', 'stop'), DONE));
    const words = ['--url', gateway.url, 'chat', '-m', 'm', 'x'];
    const [screen, pipe] = [fakeTerminal({ isTTY: true }), fakeTerminal()];
    await run(words, screen);
    await run(words, pipe);
    expect(screen.stdout.text).toBe('a[2Jb\tc\n');
    expect(pipe.stdout.text).toBe('a\u001b[2Jb\tc\n');
  });

  it('ends with 5 and the sentence of the event when a stream fails', async () => {
    const error = { message: 'The worker was lost.', code: 'STREAM_INTERRUPTED', type: 'server_error' };
    await using gateway = await scriptedGateway(
      streams(chunk('half'), `data: ${JSON.stringify({ error })}\n\n`),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm', 'x'], terminal)).toBe(exitCodes.interrupted);
    expect(terminal.stdout.text).toBe('half\n');
    expect(terminal.stderr.text).toContain('The worker was lost. (STREAM_INTERRUPTED)');
  });

  it('ends with 5 when the connection is cut or the stream has no [DONE]', async () => {
    await using silent = await scriptedGateway(streams(chunk('half')));
    await using cut = await scriptedGateway((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('half'), () => response.destroy());
    });
    for (const { url } of [silent, cut]) {
      const terminal = fakeTerminal();
      expect(await run(['--url', url, 'chat', '-m', 'm', 'x'], terminal)).toBe(exitCodes.interrupted);
      expect(terminal.stderr.text).toContain('broke off');
    }
  });

  it.each([
    ['nothing.png', 'no such file'],
    ['.', 'not a file'],
    ['drawing.png', 'not a PNG, JPEG, WebP or GIF'],
  ])('refuses the picture %s before it asks anything', async (file, reason) => {
    await using gateway = await scriptedGateway((_request, response) => void response.end());
    const terminal = fakeTerminal({ cwd: folder });
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm', '-i', file, 'x'], terminal)).toBe(
      exitCodes.usage,
    );
    expect(terminal.stderr.text).toContain(reason);
    expect(gateway.seen).toEqual([]);
  });

  it('refuses a token limit that is no positive integer', async () => {
    const terminal = fakeTerminal();
    expect(await run(['chat', '--max-tokens', '0', 'x'], terminal)).toBe(exitCodes.usage);
    expect(terminal.stderr.text).toContain('--max-tokens');
  });

  it('prints the whole answer as JSON', async () => {
    const answer = { ...completion('ok'), usage: { prompt_tokens: 3 } };
    await using gateway = await scriptedGateway((_request, response) => answerJson(response, 200, answer));
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm', '--json', 'x'], terminal)).toBe(
      exitCodes.done,
    );
    expect(JSON.parse(terminal.stdout.text)).toEqual(answer);
    expect(JSON.parse(gateway.seen[0]?.body ?? '')).not.toHaveProperty('stream');
  });

  it('reads the question from a pipe when none is given', async () => {
    await using gateway = await scriptedGateway(streams(chunk('ok'), chunk('', 'stop'), DONE));
    const terminal = fakeTerminal({ stdin: 'Why?\n' });
    expect(await run(['--url', gateway.url, 'chat', '-m', 'm'], terminal)).toBe(exitCodes.done);
    expect(JSON.parse(gateway.seen[0]?.body ?? '').messages).toEqual([{ role: 'user', content: 'Why?' }]);
  });
});
