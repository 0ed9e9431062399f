import { join } from 'node:path';
import { freePort } from '@fovea/testing/redis-server';
import type { UploadTarget } from '../client/upload.js';
import { Child, childScript, repository } from '../processes/child.js';
import type { Bench } from '../scenario.js';

/** Starts the bare server that only counts the bytes of a body, in a process of its own. */
export async function startByteCounter(bench: Bench): Promise<UploadTarget> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const script = childScript('byte-counter');
  await Child.start({ name: 'byte counter', script, args: [`${port}`], readyUrl: `${url}/health` }, bench);
  return { url: `${url}/v1/chat/completions`, headers: {} };
}

/** Starts an engine that throws bodies away and answers one word; resolves with its address. */
export async function startCountingEngine(model: string, bench: Bench): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const script = childScript('counting-engine');
  const args = [`${port}`, model];
  await Child.start({ name: 'counting engine', script, args, readyUrl: `${url}/health` }, bench);
  return url;
}

/** Starts the scripted engine with these flags; resolves with its address. */
export async function startFakeVllm(
  model: string,
  bench: Bench,
  flags: readonly string[] = [],
): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const script = join(repository, 'tools/fake-vllm/dist/main.js');
  const args = ['--port', `${port}`, '--model', model, ...flags];
  await Child.start({ name: 'fake-vllm', script, args, readyUrl: `${url}/health` }, bench);
  return url;
}
