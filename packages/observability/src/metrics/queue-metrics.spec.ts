import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { createLogger } from '../log/logger.js';
import { type QueueLoad, registerQueueGauges } from './queue-metrics.js';

const silent = createLogger({ service: 'test', level: 'silent', destination: new PassThrough() });
const lane = { checkpoint: 'c', lane: 'text', running: 2, oldestWaitS: 1.5, state: 'paused' } as const;
const load = (jobs: number, tokens: number): QueueLoad => ({
  lanes: [{ ...lane, waiting: [{ model: 'm', jobs, tokens }] }],
  models: [{ checkpoint: 'c', model: 'm', isAvailable: true }],
});

async function values(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('fovea_'));
}

describe('the gauges of the lanes', () => {
  it('are read once for each reading of the registry, and all of them are fresh', async () => {
    const registry = new Registry();
    let reads = 0;
    registerQueueGauges(
      registry,
      async () => {
        reads += 1;
        return load(reads, 100 * reads);
      },
      silent,
    );
    await values(registry);
    expect(await values(registry)).toEqual([
      'fovea_queue_jobs_waiting{checkpoint="c",lane="text",model="m"} 2',
      'fovea_queue_tokens_waiting{checkpoint="c",lane="text",model="m"} 200',
      'fovea_queue_jobs_running{checkpoint="c",lane="text"} 2',
      'fovea_queue_oldest_wait_seconds{checkpoint="c",lane="text"} 1.5',
      'fovea_queue_state{checkpoint="c",lane="text",state="open"} 0',
      'fovea_queue_state{checkpoint="c",lane="text",state="paused"} 1',
      'fovea_queue_state{checkpoint="c",lane="text",state="draining"} 0',
      'fovea_queue_state{checkpoint="c",lane="text",state="closed"} 0',
      'fovea_model_available{checkpoint="c",model="m"} 1',
    ]);
    expect(reads).toBe(2);
  });

  it('hold up no other metric while Redis hangs', async () => {
    const registry = new Registry();
    registerQueueGauges(registry, () => new Promise(() => {}), silent);
    expect(await values(registry)).toEqual([]);
  });

  it('are absent when they cannot be read or what they told of is gone, and come back', async () => {
    const registry = new Registry();
    const answers = [load(1, 1), new Error('Redis is away'), load(2, 2), { lanes: [], models: [] }];
    registerQueueGauges(
      registry,
      async () => {
        const answer = answers.shift();
        if (answer === undefined || answer instanceof Error) throw answer;
        return answer;
      },
      silent,
    );
    const counts = [];
    for (let reading = 0; reading < 4; reading += 1) counts.push((await values(registry)).length);
    expect(counts).toEqual([9, 0, 9, 0]);
  });
});
