import { describe, expect, it } from '@jest/globals';
import { exitCodes } from '../failure.js';
import { run } from '../program.js';
import { fakeTerminal } from '../testing/fake-terminal.js';
import { answerJson, scriptedGateway } from '../testing/scripted-gateway.js';

const secret = 'fov_s3cret';

describe('fovea keys', () => {
  it('creates a key and prints its secret alone on stdout', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 200, { metadata: { token_id: 'id-1', description: 'nightly' }, token: secret }),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'keys', 'create', 'nightly'], terminal)).toBe(exitCodes.done);
    expect(gateway.seen).toMatchObject([
      {
        method: 'POST',
        path: '/v1/users/me/tokens',
        authorization: 'Bearer k',
        body: '{"description":"nightly"}',
      },
    ]);
    expect(terminal.stdout.text).toBe(`${secret}\n`);
    expect(terminal.stderr.text).toBe('Created id-1. The secret is shown only now.\n');
    const json = fakeTerminal();
    await run(['--url', gateway.url, 'keys', 'create', '--json'], json);
    expect(gateway.seen[1]?.body).toBe('{}');
    expect(JSON.parse(json.stdout.text)).toEqual({ id: 'id-1', description: 'nightly', secret });
  });

  it('lists ids and descriptions', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 200, [
        { token_id: 'id-1', description: 'for\u001b[2J\nme' },
        { token_id: 'id-22', description: '' },
      ]),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'keys', 'ls'], terminal)).toBe(exitCodes.done);
    expect(terminal.stdout.text).toBe('ID     DESCRIPTION\nid-1   for[2J me\nid-22  -\n');
  });

  it('revokes a key by its id', async () => {
    await using gateway = await scriptedGateway((_request, response) => void response.writeHead(204).end());
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'keys', 'revoke', 'a/b'], terminal)).toBe(exitCodes.done);
    expect(gateway.seen).toMatchObject([{ method: 'DELETE', path: '/v1/users/me/tokens/a%2Fb' }]);
    expect(terminal.stderr.text).toBe('Revoked a/b.\n');
  });

  it('passes on that a key is unknown', async () => {
    await using gateway = await scriptedGateway((_request, response) =>
      answerJson(response, 404, { error: 'There is no such key.', code: 'NOT_FOUND' }),
    );
    const terminal = fakeTerminal();
    expect(await run(['--url', gateway.url, 'keys', 'revoke', 'x'], terminal)).toBe(exitCodes.refused);
    expect(terminal.stderr.text).toContain('There is no such key. (NOT_FOUND)');
  });
});
