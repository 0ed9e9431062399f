import { type CommandLine, readCommandLine } from './command-line.js';
import { startFakeVllm } from './index.js';

/** A wrong flag is the caller's: its name and what is wrong with it, without a stack. */
function read(): CommandLine {
  try {
    return readCommandLine(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write('The flags are in tools/fake-vllm/README.md.\n');
    process.exit(2);
  }
}

const { options, exitOnCrash } = read();
const fake = await startFakeVllm(exitOnCrash ? { ...options, onDown: () => process.exit(1) } : options);
process.stdout.write(`fake-vllm serves ${fake.model} at ${fake.url}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fake.close());
