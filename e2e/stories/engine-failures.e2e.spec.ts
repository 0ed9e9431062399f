import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EngineProcess } from '../support/engine-process.js';
import { readStream } from '../support/sse-reader.js';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const ask = (text: string, stream = false): unknown => ({
  model: 'vlm',
  stream,
  messages: [{ role: 'user', content: text }],
});

describe('an engine that fails', () => {
  let engines: EngineProcess[];
  let system: System;

  beforeAll(async () => {
    system = await System.start({ engineUrl: 'http://127.0.0.1:1' });
  }, 300_000);
  afterAll(() => system?.stop());
  beforeEach(() => {
    engines = [];
  });
  afterEach(async () => {
    await system.untilClean();
    await system.adapter('worker').end('SIGTERM');
    await Promise.all(engines.map((engine) => engine.stop()));
  });

  const start = async (count: number, env: Readonly<Record<string, string>> = {}): Promise<void> => {
    for (let index = 0; index < count; index++) {
      engines.push(await EngineProcess.start(`engine ${index}`, 'vlm'));
    }
    const url = engines.map((engine) => engine.url).join();
    await system.startAdapter('worker', workerToml('vlm', { slots: 16 }), {
      ADAPTER_ENGINE_URL: url,
      ...env,
    });
    await system.untilModel('vlm', 'available');
  };

  it('is not ended a third time by one request, and everybody else is answered', async () => {
    await start(1);
    const [engine] = engines as [EngineProcess];
    await engine.hold('innocent');
    await engine.hold('poison');
    const innocent = Array.from({ length: 10 }, (_, index) => system.chat(ask(`innocent ${index}`)));
    const poison = system.chat(ask('poison'));
    await until('all to run', async () => (await engine.counters()).running === 11);
    await engine.tell('crash', { restartAfterMs: 200 });
    await engine.tell('release', { gate: 'innocent' });
    await engine.waitFor('held', { gate: 'poison', count: '2' });
    await engine.tell('crash', { restartAfterMs: 200 });

    const refused = await poison;
    expect(refused.status).toBe(502);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(await refused.json()).toMatchObject({ code: 'BACKEND_ERROR' });
    const answers = await Promise.all(innocent);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    for (const answer of answers) await answer.text();

    const before = (await engine.counters()).requests;
    const again = await system.chat(ask('poison', true));
    expect(again.status).toBe(502);
    expect(again.headers.get('x-should-retry')).toBe('false');
    await again.text();
    expect((await engine.counters()).requests).toBe(before);
    // Only this tenant's request is known.
    await engine.tell('release', { gate: 'poison' });
    const other = await system.chat(ask('poison'), { key: keys.beta });
    expect(other.status).toBe(200);
    await other.text();
  }, 300_000);

  it('that hangs with green health keeps nobody: answers that had not begun come from the other one', async () => {
    await start(2, { ADAPTER_ENGINE_STALL_S: '2' });
    const [first, second] = engines as [EngineProcess, EngineProcess];
    await second.tell('overload', { on: true });
    const tokens = Array.from({ length: 2_000 }, () => 'on ');
    await first.tell('script', { match: 'begun', behaviour: { tokens, interTokenMs: 20 } });
    const begun = system.chat(ask('begun', true)).then(readStream);
    await first.waitFor('token', { text: 'begun' });
    await first.hold('silent');
    const silent = system.chat(ask('silent'));
    await first.waitFor('held', { gate: 'silent' });
    await first.tell('hang');
    await second.tell('overload', { on: false });

    const answer = await silent;
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('silent');
    expect((await begun).chunks.at(-1)?.error?.code).toBe('STREAM_INTERRUPTED');
    expect((await fetch(`${first.url}/health`)).status).toBe(200);
    await first.waitFor('disconnected', { count: '2' });
    expect((await second.counters()).requests).toBe(1);
  }, 300_000);
});
