import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import type { Terminal } from '../../terminal/terminal.js';
import type { Examination } from '../examination.js';
import { type Finding, Findings } from '../finding.js';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;
const LEAST_NODE = [20, 19] as const;
/** By the name of its package, which only the shim depends on. */
const RUNTIME = 'onnxruntime-node';

function isNodeNew(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
}

/** `npx` says which npm it is; otherwise it is asked. */
async function npmVersion({ env, signal }: Terminal): Promise<string> {
  const [, told] = /^npm\/(\S+)/.exec(env.npm_config_user_agent ?? '') ?? [];
  return told ?? (await run('npm', ['--version'], { timeout: TIMEOUT_MS, signal })).stdout.trim();
}

async function checkNpm(findings: Findings, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  try {
    findings.ok(`npm ${(await npmVersion(terminal)).slice(0, 20)}.`);
  } catch {
    signal.throwIfAborted();
    findings.warn(
      'npm does not run here; it is needed to install and build, not to serve.',
      'Install npm beside Node.',
    );
  }
}

/** Loads it in a process of its own: a library that does not fit the machine ends the process. */
async function checkOnnxRuntime(findings: Findings, signal: AbortSignal): Promise<void> {
  const fix = 'npm install (or run the gpu-worker-shim on a host that has it)';
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(RUNTIME);
  } catch {
    findings.warn('ONNX Runtime is not installed here; the gpu-worker-shim needs it.', fix);
    return;
  }
  try {
    const program = 'const { env } = require(process.argv[1]); console.log(env.versions.node)';
    const { stdout } = await run(process.execPath, ['-e', program, path], { timeout: TIMEOUT_MS, signal });
    findings.ok(`ONNX Runtime ${stdout.trim().slice(0, 20)} loads.`);
  } catch {
    signal.throwIfAborted();
    findings.fail('ONNX Runtime is installed but does not load on this machine.', fix);
  }
}

/** Versions of what runs on this host. */
export async function checkRuntime({ terminal, workers }: Examination): Promise<Finding[]> {
  const findings = new Findings('runtime');
  const { node } = process.versions;
  if (isNodeNew(node)) findings.ok(`Node ${node}.`);
  else findings.fail(`Node ${node} is too old.`, `Install Node ${LEAST_NODE.join('.')} or newer.`);
  await checkNpm(findings, terminal);
  const usesShim = workers.some(({ file }) => file !== undefined && file.generator.type !== 'vllm');
  if (usesShim) await checkOnnxRuntime(findings, terminal.signal);
  return findings.list;
}
