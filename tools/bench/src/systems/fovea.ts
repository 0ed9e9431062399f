import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobQueue } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import { createRedisModelRegistry } from '@fovea/model-registry/redis';
import { freePort, type RedisServer, startRedisServer } from '@fovea/testing/redis-server';
import type { UploadTarget } from '../client/upload.js';
import { Child, repository } from '../processes/child.js';
import { until } from '../processes/until.js';
import type { Bench } from '../scenario.js';

const KEY = 'key-of-the-bench';
const GRACE_S = 10;
const IDLE_TIMEOUT_MS = 20_000;

/** A gateway that runs. */
export interface GatewayProcess {
  readonly child: Child;
  readonly healthUrl: string;
  readonly chat: UploadTarget;
}

/** A worker-adapter that runs. */
export interface AdapterProcess {
  readonly child: Child;
  readonly healthUrl: string;
}

export interface GatewayStart {
  readonly preloads?: readonly string[];
  readonly hasChannel?: boolean;
}

/** What Fovea's processes share: a Redis and a blob folder of their own. */
export class FoveaSystem {
  private constructor(
    private readonly bench: Bench,
    private readonly redis: RedisServer,
    private readonly blobs: string,
  ) {}

  static async start(bench: Bench): Promise<FoveaSystem> {
    const redis = await startRedisServer();
    const killAtExit = (): void => {
      process.kill(redis.pid, 'SIGKILL');
    };
    process.once('exit', killAtExit);
    bench.cleanup.add(async () => {
      await redis.stop();
      process.off('exit', killAtExit);
    });
    const blobs = await mkdtemp(join(bench.folder, 'blobs-'));
    return new FoveaSystem(bench, redis, blobs);
  }

  /** Starts a gateway from built code; `bench` may be another one with a shorter life. */
  async startGateway(
    { preloads = [], hasChannel = false }: GatewayStart,
    bench: Bench,
  ): Promise<GatewayProcess> {
    const [port, opsPort] = [await freePort(), await freePort()];
    const child = await Child.start(
      {
        name: 'gateway',
        script: join(repository, 'apps/gateway/dist/main.js'),
        preloads,
        hasChannel,
        readyUrl: `http://127.0.0.1:${opsPort}/health/ready`,
        env: {
          ...this.#environment(),
          GATEWAY_HOST: '127.0.0.1',
          GATEWAY_PORT: `${port}`,
          GATEWAY_OPS_PORT: `${opsPort}`,
          GATEWAY_API_KEYS: `bench:${KEY}`,
        },
      },
      bench,
    );
    const url = `http://127.0.0.1:${port}`;
    const chat = { url: `${url}/v1/chat/completions`, headers: { authorization: `Bearer ${KEY}` } };
    return { child, healthUrl: `${url}/health`, chat };
  }

  /** Starts a worker-adapter for an engine that serves the model. */
  async startAdapter(model: string, engineUrl: string, bench: Bench): Promise<AdapterProcess> {
    const file = join(bench.folder, `${model}.toml`);
    const table = `[queue.models."${model}"]\ndescription = "bench"\nmultimodal_enabled = true\n`;
    const head = `edition = 1\n[generator]\ntype = "vllm"\nurl = "${engineUrl}"\n`;
    const queue = `[queue]\ncheckpoint_name = "${model}"\nversion = 1\n${table}`;
    await writeFile(file, `${head}${queue}[queue.models."${model}".chat_task]\nsupported = true\n`);
    const opsPort = await freePort();
    const child = await Child.start(
      {
        name: 'worker-adapter',
        script: join(repository, 'apps/worker-adapter/dist/main.js'),
        args: ['--config', file],
        readyUrl: `http://127.0.0.1:${opsPort}/health/ready`,
        env: { ...this.#environment(), ADAPTER_OPS_PORT: `${opsPort}` },
      },
      bench,
    );
    return { child, healthUrl: `http://127.0.0.1:${opsPort}/health/live` };
  }

  /** Makes a model known that is accepted for but has no worker: its requests go as far as the queue. */
  async registerModel(name: string): Promise<void> {
    const registry = createRedisModelRegistry({
      redis: this.#redisSettings(),
      role: 'worker',
      graceS: GRACE_S,
    });
    try {
      const model = { name, description: 'bench', multimodalEnabled: true, chat: true, aligned: false };
      const offers = {
        completion: false,
        transcription: false,
        embedding: false,
        embeddingPrefixes: null,
        rerank: false,
      };
      const more = { maximumCompletionTokens: null, promptTemplate: '', modelCard: null };
      const capabilities = {
        tools: false,
        structuredOutput: [],
        reasoning: 'separate' as const,
        tokenizer: false,
      };
      const terms = {
        tags: [],
        generatorType: 'vllm' as const,
        extensions: [],
        capabilities,
        waitForWorkerS: 86_400,
        imageProcessor: null,
      };
      const modelPackage = {
        checkpoint: name,
        version: 1,
        models: [{ ...model, ...offers, ...more }],
        ...terms,
      };
      await registry.register({
        package: { ...modelPackage, imageProcessor: null, maxModelLen: 1_000_000 },
        workerId: 'bench',
      });
    } finally {
      await registry.close();
    }
  }

  /** The queue as workers see it. */
  openQueue(): JobQueue {
    const queue = createBullMqJobQueue({ redis: this.#redisSettings(), role: 'worker' });
    this.bench.cleanup.add(() => queue.close());
    return queue;
  }

  /** Resolves when no media of earlier requests are left. */
  async untilIdle(): Promise<void> {
    const { signal } = this.bench;
    const isEmpty = async (): Promise<boolean> => {
      // A folder that vanishes under the walk was about to become empty: look again.
      const entries = await readdir(this.blobs, { recursive: true, withFileTypes: true }).catch(
        () => undefined,
      );
      return entries?.every((entry) => !entry.isFile() || entry.name.includes('salt')) ?? false;
    };
    await until('the blob folder to be empty', isEmpty, { timeoutMs: IDLE_TIMEOUT_MS, signal });
  }

  #environment(): Record<string, string> {
    return {
      NODE_ENV: 'production',
      REDIS_URL: this.redis.url,
      BLOB_STORE_URL: `file://${this.blobs}`,
      BLOB_LINGER_S: '0',
      LOG_LEVEL: 'warn',
    };
  }

  #redisSettings(): { url: string; clientName: string } {
    return { url: this.redis.url, clientName: 'fovea-bench' };
  }
}
