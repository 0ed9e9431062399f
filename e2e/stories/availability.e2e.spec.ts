import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

const hello = { model: 'vlm', messages: [{ role: 'user', content: 'hello' }] };

describe('a model and its workers', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url, env: { WORKER_GRACE_S: '3' } });
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  it('is unknown before a worker brings it, available with one, refused without, and back without a restart', async () => {
    expect((await system.chat(hello)).status).toBe(404);

    await system.startAdapter('one', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
    expect((await system.chat(hello)).status).toBe(200);

    system.adapter('one').signal('SIGKILL');
    await system.untilModel('vlm', 'unavailable');
    const refused = await system.chat(hello);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: 'MODEL_UNAVAILABLE' } });

    await system.startAdapter('two', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
    expect((await system.chat(hello)).status).toBe(200);
  }, 300_000);

  it('is listed in both dialects, with and without /v1', async () => {
    for (const prefix of ['', '/v1']) {
      const models: unknown = await (await system.fetch(`${prefix}/models`)).json();
      expect(models).toMatchObject({ object: 'list', data: [{ id: 'vlm', object: 'model' }] });
      const settings: unknown = await (await system.fetch(`${prefix}/model-settings`)).json();
      expect(settings).toMatchObject([{ name: 'vlm', multimodal: true, chat: true, max_context_size: 8192 }]);
      const available: unknown = await (await system.fetch(`${prefix}/models_available`)).json();
      expect(available).toMatchObject([{ name: 'vlm', image_support: true, hostings: [] }]);
      const limits: unknown = await (await system.fetch(`${prefix}/limits`)).json();
      expect(limits).toMatchObject({ max_body_bytes: 134_217_728, max_image_side_px: 4000 });
      expect(await (await fetch(`${system.url}${prefix}/version`)).text()).toMatch(/^\d+\.\d+\.\d+$/);
      expect((await fetch(`${system.url}${prefix}/health`)).status).toBe(200);
    }
  });

  it('has a document and a reference page that need nothing from elsewhere', async () => {
    const document: unknown = await (await fetch(`${system.url}/openapi.json`)).json();
    expect(document).toMatchObject({ openapi: '3.1.0', paths: { '/chat/completions': { post: {} } } });
    expect((await fetch(`${system.url}/openapi.yaml`)).headers.get('content-type')).toContain('yaml');
    const page = await fetch(`${system.url}/docs`);
    expect(page.status).toBe(200);
    expect(await page.text()).not.toMatch(/(src|href)="https?:/);
  });

  it('says on the ops port whether it is fit for work, and counts', async () => {
    expect((await fetch(`${system.opsUrl}/health/live`)).status).toBe(200);
    expect((await fetch(`${system.opsUrl}/health/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${system.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/fovea_requests_total\{[^}]*model="vlm"[^}]*\} [1-9]/);
    expect(metrics).toMatch(/fovea_requests_rejected_total\{[^}]*MODEL_UNAVAILABLE[^}]*\} 1/);
  });
});
