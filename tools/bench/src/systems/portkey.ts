import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@fovea/testing/redis-server';
import type { UploadTarget } from '../client/upload.js';
import { Child, childScript, repository } from '../processes/child.js';
import { type Bench, ScenarioSkipped } from '../scenario.js';

export const portkeyVersion = '1.15.2';
const packageName = '@portkey-ai/gateway';
const INSTALL_TIMEOUT_MS = 180_000;

const folder = join(repository, '.fovea/bench', `portkey-${portkeyVersion}`);
const script = join(folder, 'node_modules', packageName, 'build/start-server.js');

export interface PortkeyProcess {
  readonly child: Child;
  readonly healthUrl: string;
  readonly chat: UploadTarget;
}

/**
 * Installs Portkey into a folder of its own unless it is there: it is something to compare with, never something we
 * depend on. Throws `ScenarioSkipped` with npm's words when that fails.
 */
export async function installPortkey(signal: AbortSignal): Promise<void> {
  if (existsSync(script)) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=dev', '--no-package-lock'];
  const args = ['install', ...flags, `${packageName}@${portkeyVersion}`];
  await promisify(execFile)('npm', args, { cwd: folder, timeout: INSTALL_TIMEOUT_MS, signal }).catch(
    (cause: Error) => {
      signal.throwIfAborted();
      throw new ScenarioSkipped(`npm could not install ${packageName}: ${cause.message.slice(-300)}`, {
        cause,
      });
    },
  );
}

/** Starts Portkey as its readme says, without its log page, in front of an engine that speaks OpenAI's protocol. */
export async function startPortkey(engineUrl: string, bench: Bench): Promise<PortkeyProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await Child.start(
    {
      name: 'portkey',
      script,
      args: [`--port=${port}`, '--headless'],
      preloads: [childScript('listen-on-loopback')],
      env: { NODE_ENV: 'production' },
      readyUrl: `${url}/`,
    },
    bench,
  );
  const headers = {
    authorization: 'Bearer none',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${engineUrl}/v1`,
  };
  return { child, healthUrl: `${url}/`, chat: { url: `${url}/v1/chat/completions`, headers } };
}
