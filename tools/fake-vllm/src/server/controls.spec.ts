import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, startFakeVllm } from '../index.js';
import { eventsOf, metric, SpecClient } from '../spec-client.js';

let fake: FakeVllm;
let client: SpecClient;

beforeEach(async () => {
  fake = await startFakeVllm();
  client = new SpecClient(fake);
});

afterEach(() => fake.close());

const health = async (): Promise<number> => (await fetch(`${fake.url}/health`)).status;
/** The client may still hold connections of the old life; the first one it tries can fail. */
async function untilGreen(): Promise<void> {
  while ((await health().catch(() => 0)) !== 200) await new Promise(setImmediate);
}

describe('a crash', () => {
  it('resets what is in flight, refuses what comes, and a restart in place begins at zero', async () => {
    await client.chat();
    const hold = fake.hold({ afterTokens: 1 });
    const lost = client.chat();
    await hold.reached();
    await fake.crash();
    await expect(lost).rejects.toThrow();
    await expect(client.chat()).rejects.toThrow();
    await fake.waitFor('failed');
    await fake.restart();
    await untilGreen();
    expect((await client.chat()).status).toBe(200);
    expect(fake.counters).toMatchObject({ requests: 3, running: 0, crashes: 1, restarts: 1 });
    expect(metric(fake.metrics(), 'vllm:request_success_total', 'stop')).toBe(1);
  });

  it('cuts a stream that had begun', async () => {
    const hold = fake.hold({ afterTokens: 2 });
    const response = await client.chat({ stream: true });
    await hold.reached();
    await fake.crash();
    await expect(response.text()).rejects.toThrow();
  });

  it('can be ordered from another process, with its restart', async () => {
    expect((await client.post('/_fake/crash', { restartAfterMs: 1 })).status).toBe(200);
    while (fake.counters.restarts === 0) await new Promise(setImmediate);
    await untilGreen();
    expect((await client.chat()).status).toBe(200);
  });
});

describe('the admin port', () => {
  it('goes on while the engine is down', async () => {
    const downs: string[] = [];
    const apart = await startFakeVllm({ adminPort: 0, onDown: () => downs.push('down') });
    const admin = (path: string, body = {}) =>
      fetch(`${apart.adminUrl}/_fake/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await admin('crash')).status).toBe(200);
    while (downs.length === 0) await new Promise(setImmediate);
    await expect(new SpecClient(apart).chat()).rejects.toThrow();
    expect(await (await fetch(`${apart.adminUrl}/_fake/counters`)).json()).toMatchObject({ crashes: 1 });
    expect((await admin('restart')).status).toBe(200);
    expect((await new SpecClient(apart).chat()).status).toBe(200);
    expect((await admin('nothing')).status).toBe(404);
    expect((await admin('degrade')).status).toBe(400);
    await apart.close();
  });

  it.each([
    ['hang', {}, 'resume', {}],
    ['overload', { on: true }, 'overload', { on: false }],
    ['gauges', { waiting: 7 }, 'gauges', {}],
    ['health', { healthy: false }, 'reset', {}],
    ['pace', { ttftMs: 1, interTokenMs: 1 }, 'pace', { ttftMs: 0, interTokenMs: 0 }],
  ])('orders %s and takes it back', async (begin, more, end, less) => {
    expect((await client.post(`/_fake/${begin}`, more)).status).toBe(200);
    const during = [fake.metrics().includes('waiting{engine="0",model_name="fake-vlm"} 7'), await health()];
    expect(during).toEqual([begin === 'gauges', begin === 'health' ? 503 : 200]);
    expect((await client.post(`/_fake/${end}`, less)).status).toBe(200);
    expect((await client.chat()).status).toBe(200);
  });
});

describe('the death of the engine', () => {
  it('fails what is in flight, turns health red, and refuses what comes', async () => {
    const hold = fake.hold({ afterTokens: 1 });
    const whole = client.chat({}, {});
    await hold.reached();
    const secondHold = fake.hold({ afterTokens: 1 });
    const stream = await client.chat({ stream: true });
    await secondHold.reached();
    fake.die();
    expect((await whole).status).toBe(500);
    expect((await eventsOf(stream)).slice(-2)).toMatchObject([{ error: { code: 500 } }, 'done']);
    expect(await health()).toBe(503);
    expect((await client.chat()).status).toBe(500);
    await fake.restart();
    await untilGreen();
    expect((await client.chat()).status).toBe(200);
  });

  it('stops the server a little later', async () => {
    const short = await startFakeVllm({ deathGraceMs: 1 });
    short.die();
    const status = async (): Promise<number> => (await fetch(`${short.url}/health`)).status;
    while ((await status().catch(() => 0)) !== 0) await new Promise(setImmediate);
    await expect(new SpecClient(short).chat()).rejects.toThrow();
    await short.close();
  });

  it('comes slowly when the engine degrades', async () => {
    fake.degrade({ dieAfterSteps: 4, delayMs: 1, growth: 2 });
    const chunks = await client.chunks({ max_tokens: 50, ignore_eos: true });
    expect(chunks.filter((chunk) => chunk.choices?.[0]?.delta.content).length).toBe(3);
    expect(chunks.slice(-2)).toMatchObject([{ error: { code: 500 } }, 'done']);
  });
});

describe('a hang of the whole engine', () => {
  it('stops every token while health stays green, and hears of no abort until it wakes up', async () => {
    const hold = fake.hold({ afterTokens: 2 });
    const controller = new AbortController();
    const answer = client.chat({}, { signal: controller.signal }).catch(() => 'gone');
    await hold.reached();
    fake.hangEngine();
    hold.release();
    const before = metric(fake.metrics(), 'vllm:generation_tokens_total');
    expect(await health()).toBe(200);
    controller.abort();
    await fake.waitFor('disconnected');
    expect(await answer).toBe('gone');
    expect(metric(fake.metrics(), 'vllm:num_requests_running')).toBe(1);
    expect(metric(fake.metrics(), 'vllm:generation_tokens_total')).toBeLessThanOrEqual(before + 1);
    expect(fake.counters.aborted).toBe(0);
    fake.resumeEngine();
    await fake.waitFor('aborted');
    expect(fake.counters).toMatchObject({ running: 0, aborted: 1 });
  });

  it('moves no counter for who comes meanwhile', async () => {
    fake.hangEngine();
    const answer = client.chat();
    await fake.waitFor('running');
    expect(metric(fake.metrics(), 'vllm:prompt_tokens_total')).toBe(0);
    expect(metric(fake.metrics(), 'vllm:kv_cache_usage_perc')).toBe(0);
    fake.resumeEngine();
    await answer;
    expect(metric(fake.metrics(), 'vllm:prompt_tokens_total')).toBeGreaterThan(0);
  });

  it('goes on where it was for clients that stayed', async () => {
    fake.hangEngine();
    const answer = client.chat();
    await fake.waitFor('running');
    fake.resumeEngine();
    expect((await answer).status).toBe(200);
  });

  it('ends in a crash too', async () => {
    fake.hangEngine();
    const answer = client.chat();
    await fake.waitFor('running');
    await fake.crash();
    await expect(answer).rejects.toThrow();
  });
});

describe('moods', () => {
  it('answers 503 while overloaded', async () => {
    fake.setOverload(true);
    expect((await client.chat()).status).toBe(503);
    expect(fake.counters).toMatchObject({ requests: 0, refused: 1 });
    fake.setOverload(false);
    expect((await client.chat()).status).toBe(200);
  });

  it('answers health late, at a gate, or red', async () => {
    fake.setHealthy({ gate: 'slow' });
    const late = health();
    const first = await Promise.race([late, client.chat().then(() => 'chat')]);
    expect(first).toBe('chat');
    fake.release('slow');
    expect(await late).toBe(200);
    fake.setHealthy({ healthy: false, delayMs: 1 });
    expect(await health()).toBe(503);
    fake.setHealthy(true);
    expect(await health()).toBe(200);
  });

  it('shows gauges it is told to show', async () => {
    fake.showGauges({ waiting: 9, kvUsage: 0.9 });
    expect(metric(fake.metrics(), 'vllm:num_requests_waiting')).toBe(9);
    expect(metric(fake.metrics(), 'vllm:kv_cache_usage_perc')).toBe(0.9);
    fake.showGauges({});
    expect(metric(fake.metrics(), 'vllm:num_requests_waiting')).toBe(0);
  });
});
