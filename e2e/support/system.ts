import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type RedisServer, startRedisServer } from '@fovea/testing';
import { Redis } from 'ioredis';
import { allDone } from './all-done.js';
import { Part } from './part.js';
import { until } from './until.js';

export interface SystemOptions {
  /** Address of the engine that the adapters use; left out, a gpu-worker-shim with all our models is started. */
  readonly engineUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway renews what it answers every 2 s, for 6.5 s. What has less left than this is held by nobody. */
const HELD_LEASE_MS = 4_000;

export const keys = { alpha: 'key-of-alpha', beta: 'key-of-beta' } as const;

/** A whole Fovea on free ports of this machine, with a Redis and a blob folder of its own. */
export class System {
  readonly #adapters = new Map<string, Part>();
  readonly #adapterOpsUrls = new Map<string, string>();
  #gateway: Part | undefined;
  #shim: Part | undefined;

  private constructor(
    readonly redis: RedisServer,
    readonly folder: string,
    private readonly ports: { readonly gateway: number; readonly gatewayOps: number; readonly shim: number },
    private readonly options: SystemOptions,
  ) {}

  static async start(options: SystemOptions = {}): Promise<System> {
    const redis = await startRedisServer();
    const folder = await mkdtemp(join(tmpdir(), 'fovea-e2e-'));
    await mkdir(join(folder, 'blobs'));
    const ports = { gateway: await freePort(), gatewayOps: await freePort(), shim: await freePort() };
    const system = new System(redis, folder, ports, options);
    try {
      const starting = [system.startGateway()];
      if (options.engineUrl === undefined) starting.push(system.#startShim());
      await allDone(starting);
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.gateway}`;
  }

  get opsUrl(): string {
    return `http://127.0.0.1:${this.ports.gatewayOps}`;
  }

  /** The blob folder of gateway and adapters. */
  get blobFolder(): string {
    return join(this.folder, 'blobs');
  }

  get gateway(): Part {
    if (this.#gateway === undefined) throw new Error('no gateway runs');
    return this.#gateway;
  }

  async startGateway(): Promise<void> {
    this.#gateway = await Part.start('gateway', 'apps/gateway/dist/main.js', {
      readyUrl: `${this.opsUrl}/health/ready`,
      env: {
        ...this.#shared(),
        GATEWAY_HOST: '127.0.0.1',
        GATEWAY_PORT: `${this.ports.gateway}`,
        GATEWAY_OPS_PORT: `${this.ports.gatewayOps}`,
        GATEWAY_API_KEYS: Object.entries(keys)
          .map(([tenant, key]) => `${tenant}:${key}`)
          .join(','),
        ...this.options.env,
      },
    });
  }

  /** Starts a worker-adapter from the text of a worker file. */
  async startAdapter(
    name: string,
    workerToml: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Part> {
    const file = join(this.folder, `${name}.toml`);
    await writeFile(file, workerToml);
    const opsPort = await freePort();
    const opsUrl = `http://127.0.0.1:${opsPort}`;
    this.#adapterOpsUrls.set(name, opsUrl);
    const part = await Part.start(name, 'apps/worker-adapter/dist/main.js', {
      args: ['--config', file],
      readyUrl: `${opsUrl}/health/ready`,
      env: {
        ...this.#shared(),
        ADAPTER_OPS_PORT: `${opsPort}`,
        ADAPTER_ENGINE_URL: this.options.engineUrl ?? `http://127.0.0.1:${this.ports.shim}`,
        ...this.options.env,
        ...env,
      },
    });
    this.#adapters.set(name, part);
    return part;
  }

  adapter(name: string): Part {
    const part = this.#adapters.get(name);
    if (part === undefined) throw new Error(`no adapter is named ${name}`);
    return part;
  }

  /** Where an adapter serves health and metrics. */
  adapterOpsUrl(name: string): string {
    const url = this.#adapterOpsUrls.get(name);
    if (url === undefined) throw new Error(`no adapter is named ${name}`);
    return url;
  }

  /** Waits until the gateway lists the model with that status. */
  async untilModel(name: string, status: 'available' | 'unavailable', timeoutMs = 60_000): Promise<void> {
    await until(
      `${name} to be ${status}`,
      async () => {
        const answer = await this.fetch('/model-settings');
        const list: unknown = await answer.json();
        return (
          Array.isArray(list) &&
          list.some(
            (entry: { name?: unknown; status?: unknown }) => entry.name === name && entry.status === status,
          )
        );
      },
      timeoutMs,
    );
  }

  fetch(path: string, init: RequestInit & { key?: string } = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${init.key ?? keys.alpha}`, ...headersOf(init) };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  chat(body: unknown, init: RequestInit & { key?: string } = {}): Promise<Response> {
    return this.fetch('/v1/chat/completions', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...headersOf(init) },
    });
  }

  /** What a request can leave behind: blobs, request keys, jobs. Of its leases those that last so long, or for ever. */
  async leftovers({ leaseMs = 0 } = {}): Promise<{ blobs: string[]; keys: string[] }> {
    const client = new Redis(this.redis.url);
    try {
      const jobKeys = /:jobs?:[0-9a-f-]{36}/;
      const left: string[] = [];
      for (const key of await client.keys('*')) {
        if (!key.startsWith('{r:') && !jobKeys.test(key)) continue;
        const ttlMs = key.endsWith(':lease') ? await client.pttl(key) : Number.POSITIVE_INFINITY;
        if (ttlMs === -1 || ttlMs >= leaseMs) left.push(key);
      }
      return { blobs: await this.#blobFiles(), keys: left };
    } finally {
      client.disconnect();
    }
  }

  /** Names of what the blob store holds, without references. */
  storedBlobs(): Promise<string[]> {
    return this.#blobFiles('blobs/blobs');
  }

  /** Waits until requests have left nothing behind but leases that lapse. */
  async untilClean(timeoutMs = 60_000): Promise<void> {
    let seen: unknown;
    await until(
      'nothing to be left behind',
      async () => {
        const { blobs, keys: redisKeys } = await this.leftovers({ leaseMs: HELD_LEASE_MS });
        seen = { blobs, redisKeys };
        return blobs.length === 0 && redisKeys.length === 0;
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`left behind: ${JSON.stringify(seen)}`, { cause: error });
    });
  }

  async stop(): Promise<void> {
    await this.#gateway?.end('SIGKILL');
    await Promise.all([...this.#adapters.values()].map((adapter) => adapter.end('SIGKILL')));
    await this.#shim?.end('SIGKILL');
    await this.redis.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #startShim(): Promise<void> {
    this.#shim = await Part.start('shim', 'apps/gpu-worker-shim/dist/main.js', {
      readyUrl: `http://127.0.0.1:${this.ports.shim}/health`,
      env: { SHIM_PORT: `${this.ports.shim}`, SHIM_MODELS: 'models', LOG_LEVEL: 'info' },
    });
  }

  #shared(): Record<string, string> {
    return {
      REDIS_URL: this.redis.url,
      BLOB_STORE_URL: `file://${join(this.folder, 'blobs')}`,
      BLOB_LINGER_S: '0',
      LOG_TTL_S: '1',
      LOG_LEVEL: 'info',
    };
  }

  async #blobFiles(folder = 'blobs'): Promise<string[]> {
    const entries = await readdir(join(this.folder, folder), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.includes('salt'))
      .map((entry) => entry.name);
  }
}

function headersOf(init: RequestInit): Record<string, string> {
  return Object.fromEntries(new Headers(init.headers));
}
