import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Metrics } from '../support/metrics.js';
import { System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const prompt = 'x'.repeat(8_000);
const ask = { model: 'vlm', max_tokens: 50, messages: [{ role: 'user', content: prompt }] };
/** 1,000 of the prompt, by its bytes, and 50 of the answer. */
const tokensOfOne = 1_050;

describe('a pool without workers that scales by its metrics', () => {
  let engine: FakeVllm;
  let system: System;
  const toml = workerToml('vlm', { slots: 1 }).replace('[queue]', '[queue]\nwait_for_worker_s = 1');

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url, env: { WORKER_GRACE_S: '2' } });
    await system.startAdapter('first', toml);
    await system.untilModel('vlm', 'available');
    system.adapter('first').signal('SIGTERM');
    await system.untilModel('vlm', 'unavailable');
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const read = async (name: string, label = ''): Promise<number> =>
    (await Metrics.read(system.opsUrl)).sum(name, label);

  it('takes requests, shows their work, refuses once no worker comes, and answers those that waited', async () => {
    expect(await read('fovea_model_available')).toBe(0);
    expect(await read('fovea_queue_tokens_waiting')).toBe(0);
    const answers = [system.chat(ask), system.chat(ask)];
    await until(
      'both to wait',
      async () => (await read('fovea_queue_jobs_waiting', 'lane="text"')) === 2,
      20_000,
    );
    expect(await read('fovea_queue_tokens_waiting', 'model="vlm"')).toBe(2 * tokensOfOne);
    await until(
      'one to have waited',
      async () => (await read('fovea_queue_oldest_wait_seconds')) >= 1,
      20_000,
    );
    const refused = await system.chat(ask);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'MODEL_UNAVAILABLE' } });

    await Promise.all([system.startAdapter('second', toml), system.startAdapter('third', toml)]);
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
    expect(await read('fovea_queue_tokens_waiting')).toBe(0);
    await until('a worker to be seen', async () => (await read('fovea_model_available')) === 1, 20_000);
  });
});
