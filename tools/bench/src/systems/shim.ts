import { join } from 'node:path';
import { freePort } from '@fovea/testing/redis-server';
import { Child, repository } from '../processes/child.js';
import { loopDelayRecorder } from '../processes/loop-delay.js';
import type { Bench } from '../scenario.js';

/** Below it are models that benchmarks write once: a gigabyte is not written for each run. */
export const modelCache = join(repository, '.fovea/bench');

/** An ONNX engine that runs, with one model and a channel for its event-loop delay. */
export interface ShimProcess {
  readonly child: Child;
  readonly url: string;
}

/** Starts the ONNX engine with a model folder; `env` holds more of its variables. */
export async function startShim(
  folder: string,
  env: Readonly<Record<string, string>>,
  bench: Bench,
): Promise<ShimProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await Child.start(
    {
      name: 'gpu-worker-shim',
      script: join(repository, 'apps/gpu-worker-shim/dist/main.js'),
      preloads: [loopDelayRecorder],
      hasChannel: true,
      readyUrl: `${url}/health`,
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'warn',
        SHIM_PORT: `${port}`,
        SHIM_MODELS: `model=${folder}`,
        SHIM_MAX_NUM_SEQS: '8',
        ...env,
      },
    },
    bench,
  );
  return { child, url };
}
