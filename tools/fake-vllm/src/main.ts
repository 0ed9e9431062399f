import { parseArgs } from 'node:util';
import { type FakeVllmOptions, startFakeVllm } from './index.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8000' },
    host: { type: 'string', default: '127.0.0.1' },
    model: { type: 'string', default: 'fake-vlm' },
    'max-model-len': { type: 'string', default: '8192' },
    'max-num-seqs': { type: 'string', default: '256' },
    'max-num-queued-reqs': { type: 'string', default: '10000' },
    'ttft-ms': { type: 'string', default: '0' },
    'inter-token-ms': { type: 'string', default: '0' },
    'text-only': { type: 'boolean', default: false },
    'api-key': { type: 'string' },
  },
});

function number(
  name: 'port' | 'max-model-len' | 'max-num-seqs' | 'max-num-queued-reqs' | 'ttft-ms' | 'inter-token-ms',
): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0)
    throw new Error(`--${name} has to be a number, not ${values[name]}`);
  return value;
}

const apiKey = values['api-key'];
const options: FakeVllmOptions = {
  port: number('port'),
  host: values.host,
  model: values.model,
  maxModelLen: number('max-model-len'),
  maxRunning: number('max-num-seqs'),
  maxWaiting: number('max-num-queued-reqs'),
  ttftMs: number('ttft-ms'),
  interTokenMs: number('inter-token-ms'),
  multimodal: !values['text-only'],
  ...(apiKey === undefined ? {} : { apiKey }),
};
const fake = await startFakeVllm(options);
process.stdout.write(`fake-vllm serves ${fake.model} at ${fake.url}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.close());
