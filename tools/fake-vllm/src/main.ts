import { readCommandLine } from './command-line.js';
import { startFakeVllm } from './index.js';

const { options, exitOnCrash } = readCommandLine(process.argv.slice(2));
const fake = await startFakeVllm(exitOnCrash ? { ...options, onDown: () => process.exit(1) } : options);
process.stdout.write(`fake-vllm serves ${fake.model} at ${fake.url}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.close());
