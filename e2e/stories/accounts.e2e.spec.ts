import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dataUrl, imagePart, plainPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const ADMIN = 'key-of-admin';
const MAX_KEYS = 3;
const hello = { model: 'vlm', messages: [{ role: 'user', content: 'hello' }] };

interface Created {
  readonly metadata: { readonly description: string; readonly token_id: string };
  readonly token: string;
}

describe('accounts', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    const env = {
      GATEWAY_ADMIN_KEYS: `alpha:${ADMIN}`,
      API_KEYS_MAX_PER_TENANT: `${MAX_KEYS}`,
      WORKER_GRACE_S: '3',
    };
    system = await System.start({ engineUrl: engine.url, env });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const get = async (path: string, key: string = keys.alpha): Promise<unknown> => {
    const answer = await system.fetch(path, { key });
    expect(answer.status).toBe(200);
    return answer.json();
  };
  const post = (path: string, body: unknown, key: string = keys.alpha): Promise<Response> =>
    system.fetch(path, {
      key,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const create = async (description: string, key: string = keys.alpha): Promise<Created> => {
    const answer = await post('/v1/users/me/tokens', { description }, key);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    return (await answer.json()) as Created;
  };
  const remove = (id: string, key: string = keys.alpha): Promise<Response> =>
    system.fetch(`/users/me/tokens/${encodeURIComponent(id)}`, { method: 'DELETE', key });
  const flat = { error: expect.any(String) };

  it('show the tenant as a user', async () => {
    const alpha = await get('/users/me');
    expect(alpha).toMatchObject({ role: 'User', credits_remaining: 0, invoice_allowed: true });
    expect(await get('/v1/users/me', ADMIN)).toEqual({ ...(alpha as object), role: 'Admin' });
    expect(await get('/users/me', keys.beta)).not.toMatchObject({ id: (alpha as { id: number }).id });
  });

  it('create API keys that work until they are deleted, and are nobody else’s', async () => {
    const { metadata, token } = await create('ci');
    expect(token).toMatch(/^fov_/);
    const listed = await get('/users/me/tokens', token);
    expect(listed).toEqual([metadata]);
    expect(JSON.stringify(listed)).not.toContain(token.slice(4));
    expect(await get('/users/me', token)).toEqual(await get('/users/me'));
    expect((await system.chat(hello, { key: token })).status).toBe(200);

    expect(await get('/users/me/tokens', keys.beta)).toEqual([]);
    const foreign = await remove(metadata.token_id, keys.beta);
    expect([foreign.status, await foreign.json()]).toEqual([
      404,
      { ...flat, code: 'NOT_FOUND', param: 'token_id' },
    ]);

    const removed = await remove(metadata.token_id);
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    expect((await system.fetch('/users/me', { key: token })).status).toBe(401);
    expect((await remove(metadata.token_id)).status).toBe(404);
    expect(await get('/users/me/tokens')).toEqual([]);
  });

  it('have room for so many keys', async () => {
    const created: Created[] = [];
    for (let count = 0; count < MAX_KEYS; count += 1) created.push(await create(`${count}`, keys.beta));
    const full = await post('/users/me/tokens', {}, keys.beta);
    expect(full.status).toBe(429);
    expect(await full.json()).toMatchObject({
      code: 'RATE_LIMITED',
      limit: { name: 'max_api_keys_per_tenant', value: MAX_KEYS },
    });
    for (const { metadata } of created) expect((await remove(metadata.token_id, keys.beta)).status).toBe(204);
  });

  it('remember the last requests by their figures, whatever way they ended', async () => {
    const picture = imagePart(dataUrl(await plainPicture(20, 20)));
    const withPicture = { ...hello, messages: [{ role: 'user', content: [picture] }] };
    for (const stream of [false, true]) {
      const answer = await system.chat({ ...withPicture, stream }, { key: keys.beta });
      expect(answer.status).toBe(200);
      await answer.text();
    }
    expect(
      (await system.chat({ model: 'nobody', messages: hello.messages }, { key: keys.beta })).status,
    ).toBe(404);
    const records = async () => (await get('/users/me/requests', keys.beta)) as Record<string, unknown>[];
    await until('both to be written down', async () => (await records()).length >= 2, 10_000);
    const found = await records();
    expect(found).toHaveLength(2);
    for (const record of found) {
      expect(record).toEqual({
        create_timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        model_name: 'vlm',
        request_type: 'chat/completions',
        token_count_prompt: expect.any(Number),
        image_count_prompt: 1,
        token_count_completion: expect.any(Number),
        duration_millis: expect.any(Number),
        credits: 0,
      });
      expect(record.token_count_prompt).toBeGreaterThan(0);
      expect(record.token_count_completion).toBeGreaterThan(0);
    }
  });

  it('tell which permissions a key has, in the form they were asked', async () => {
    const asked = [
      'ExecuteJobs',
      { permission: 'AccessModel', model: 'vlm' },
      { permission: 'AccessModel', model: 'nobody' },
      { permission: 'AccessModel' },
      { permission: 'Fly', extra: [1] },
      'ManageUsers',
    ];
    const answer = await post('/check_privileges', asked);
    expect([answer.status, await answer.json()]).toEqual([200, [asked[0], asked[1], asked[3]]]);
    expect(await (await post('/v1/check_privileges', [])).json()).toEqual([]);
  });

  it('have no passwords, and never read one', async () => {
    const answer = await post('/users/login', { email: 'a@b.c', password: 'secret' });
    expect([answer.status, await answer.json()]).toEqual([400, { ...flat, code: 'MISSING_CAPABILITY' }]);
    const stranger = await system.fetch('/users/login', { method: 'POST', headers: { authorization: '' } });
    expect(stranger.status).toBe(401);
  });

  it.each([
    ['/users/me/tokens', [], ''],
    ['/users/me/tokens', 'x', ''],
    ['/users/me/tokens', null, ''],
    ['/users/me/tokens', { description: 7 }, 'description'],
    ['/users/me/tokens', { description: ['x'] }, 'description'],
    ['/users/me/tokens', { description: 'x'.repeat(257) }, 'description'],
    ['/check_privileges', {}, ''],
    ['/check_privileges', null, ''],
    ['/check_privileges', [7], '[0]'],
    ['/check_privileges', [null], '[0]'],
    ['/check_privileges', ['ExecuteJobs', {}], '[1].permission'],
    ['/check_privileges', [{ permission: null }], '[0].permission'],
    ['/check_privileges', [{ permission: 7 }], '[0].permission'],
    ['/check_privileges', Array(101).fill('ExecuteJobs'), ''],
  ])('refuse what is posted to %s as %j, naming %j', async (path, body, param) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
    const where = param === '' ? {} : { param };
    const { limit: _limit, ...refusal } = (await answer.json()) as Record<string, unknown>;
    expect(refusal).toEqual({ ...flat, code: 'INVALID_REQUEST', ...where });
  });

  it.each([
    ['/users/me/tokens', { description: null }],
    ['/users/me/tokens', {}],
    ['/users/me/tokens', { description: 'x'.repeat(256), hosting: 'aleph-alpha', tags: ['a'], unknown: 1 }],
    ['/check_privileges', Array(100).fill('ExecuteJobs')],
    ['/check_privileges?nice=true', ['']],
  ])('take what is posted to %s at its bounds', async (path, body) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(200);
    const made: unknown = await answer.json();
    if (!Array.isArray(made)) expect((await remove((made as Created).metadata.token_id)).status).toBe(204);
  });

  it.each(['/users/me/tokens', '/check_privileges'])('take JSON only at %s', async (path) => {
    const init = { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } };
    expect((await system.fetch(path, init)).status).toBe(415);
    const broken = { ...init, body: '{"description": ', headers: { 'content-type': 'application/json' } };
    expect((await system.fetch(path, broken)).status).toBe(400);
  });

  it('let an admin key, and no other, remove a model package that has no worker', async () => {
    await system.startAdapter('old', workerToml('org/old model'));
    await system.untilModel('org/old model', 'available');
    const removal = async (checkpoint: string, key: string): Promise<unknown[]> => {
      const path = `/v1/model-packages/${encodeURIComponent(checkpoint)}`;
      const answer = await system.fetch(path, { method: 'DELETE', key });
      return [
        answer.status,
        answer.status === 204 ? undefined : ((await answer.json()) as { code: string }).code,
      ];
    };
    expect(await removal('org/old model', keys.alpha)).toEqual([403, 'FORBIDDEN']);
    const { metadata, token } = await create('made with an admin key', ADMIN);
    expect(await removal('org/old model', token)).toEqual([403, 'FORBIDDEN']);
    await remove(metadata.token_id);
    expect(await removal('org/old model', ADMIN)).toEqual([409, 'MODEL_PACKAGE_CONFLICT']);
    await system.adapter('old').end('SIGTERM');
    await system.untilModel('org/old model', 'unavailable');
    expect(await removal('org/old model', ADMIN)).toEqual([204, undefined]);
    expect(JSON.stringify(await get('/model-settings'))).not.toContain('old model');
    expect(await removal('org/old model', ADMIN)).toEqual([404, 'UNKNOWN_MODEL']);
  }, 300_000);

  it('without Redis, let configured keys in and ask created ones to come again', async () => {
    const { token } = await create('ci');
    await system.redis.kill();
    const answer = await system.fetch('/users/me', { key: token });
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.json()).toEqual({ ...flat, code: 'SERVICE_UNAVAILABLE' });
    expect((await system.fetch('/users/me')).status).toBe(200);
    const messages = [{ role: 'user', content: 'hello' }];
    for (const [path, body] of [
      ['/v1/chat/completions', { model: 'other', messages }],
      ['/complete', { model: 'other', prompt: 'hello', maximum_tokens: 1 }],
      ['/tokenize', { model: 'other', prompt: 'hello', tokens: true, token_ids: true }],
    ] as const) {
      const away = await post(path, body);
      expect([path, away.status, await away.json()]).toMatchObject([
        path,
        503,
        { code: 'SERVICE_UNAVAILABLE' },
      ]);
    }
    const read = ['/users/me/tokens', '/users/me/requests', '/models/other', '/model-settings', '/files'];
    for (const path of read) {
      const away = await system.fetch(path);
      expect([path, away.status, away.headers.get('retry-after')]).toEqual([path, 503, '2']);
    }
    expect((await system.fetch('/users/me', { key: 'nobody' })).status).toBe(401);
  });
});
