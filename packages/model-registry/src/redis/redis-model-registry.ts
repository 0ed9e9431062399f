import { FoveaError } from '@fovea/errors';
import { connectRedis, type RedisSettings } from '@fovea/redis';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type ModelListing, ModelRegistry, type Registration, type RemovalOutcome } from '../index.js';
import { FreshValue } from './fresh-value.js';
import { checkpointFields, packageField, presenceMember, toListings } from './listings.js';
import { contentOf, differingFields, type PackageContent } from './package-content.js';
import {
  listScript,
  registerScript,
  registryKeys,
  removeScript,
  renewScript,
  withdrawScript,
} from './registry-scripts.js';

export interface RedisModelRegistryOptions {
  readonly redis: RedisSettings;
  /** `producer` answers clients and fails fast; `worker` waits for Redis to come back. */
  readonly role: 'producer' | 'worker';
  /** A model without a worker heard of for this long is listed as unavailable (`WORKER_GRACE_S`). */
  readonly graceS: number;
  /** How old `list` may be. Default 1000. */
  readonly refreshMs?: number;
}

const DEFAULT_REFRESH_MS = 1_000;
/** Entries of workers that died are dropped by the next one that is heard of; readers go by their own grace. */
const MIN_FORGET_MS = 3_600_000;

const registerReply = z.union([
  z.tuple([z.literal('registered')]),
  z.tuple([z.literal('other-content'), z.string()]),
  z.tuple([z.literal('lower'), z.string()]),
  z.tuple([z.literal('name-taken'), z.string(), z.string()]),
]);
const removeReply = z.enum(['removed', 'in-use', 'unknown']);
const listReply = z.tuple([z.array(z.string()), z.array(z.string())]);

type Refusal = Exclude<z.infer<typeof registerReply>, ['registered']>;

function toError({ package: refused }: Registration, content: PackageContent, reply: Refusal): FoveaError {
  const checkpoint = JSON.stringify(refused.checkpoint);
  if (reply[0] === 'lower') {
    return new FoveaError('INVALID_REQUEST', {
      param: 'queue.version',
      message: `Version ${refused.version} of checkpoint ${checkpoint} was never registered and is lower than ${reply[1]}, which is. Raise version.`,
    });
  }
  if (reply[0] === 'name-taken') {
    return new FoveaError('MODEL_PACKAGE_CONFLICT', {
      param: `queue.models.${JSON.stringify(reply[1])}`,
      message: `The model name ${JSON.stringify(reply[1])} of checkpoint ${checkpoint} is offered by checkpoint ${JSON.stringify(reply[2])}. Rename one of them.`,
    });
  }
  const fields = differingFields(reply[1], content.json);
  const difference = fields.length === 0 ? '' : ` (they differ in ${fields.join(', ')})`;
  return new FoveaError('MODEL_PACKAGE_CONFLICT', {
    param: 'queue.version',
    message: `Version ${refused.version} of checkpoint ${checkpoint} is registered with other content${difference}. Raise version.`,
  });
}

/** Packages and presence in Redis, one script per operation; time is Redis' own, so hosts' clocks do not matter. */
class RedisModelRegistry extends ModelRegistry {
  readonly #client: Redis;
  readonly #graceMs: number;
  readonly #listings: FreshValue<ReadonlyMap<string, ModelListing>>;
  /** A renewal comes every other second with the same package. */
  readonly #contents = new WeakMap<Registration['package'], PackageContent>();

  constructor(options: RedisModelRegistryOptions) {
    super();
    this.#client = connectRedis(options.redis, options.role);
    this.#graceMs = Math.ceil(options.graceS * 1_000);
    this.#listings = new FreshValue(() => this.#fetch(), options.refreshMs ?? DEFAULT_REFRESH_MS);
  }

  async register(registration: Registration): Promise<void> {
    const { package: modelPackage, workerId } = registration;
    const { packages, highest, names, presence } = registryKeys;
    const content = this.#contentOf(modelPackage);
    const reply = registerReply.parse(
      await registerScript.run(
        this.#client,
        [packages, highest, names, presence],
        [
          packageField(modelPackage),
          modelPackage.checkpoint,
          modelPackage.version,
          content.digest,
          content.json,
          presenceMember(modelPackage, workerId),
          this.#forgetMs,
          ...modelPackage.models.map((model) => model.name),
        ],
      ),
    );
    if (reply[0] !== 'registered') throw toError(registration, content, reply);
  }

  async renew({ package: modelPackage, workerId }: Registration): Promise<boolean> {
    const renewed = await renewScript.run(
      this.#client,
      [registryKeys.packages, registryKeys.presence],
      [
        packageField(modelPackage),
        this.#contentOf(modelPackage).digest,
        presenceMember(modelPackage, workerId),
        this.#forgetMs,
      ],
    );
    return renewed === 1;
  }

  /** Gives up after the grace: by then the worker counts as absent anyway, and a shutdown must not hang. */
  async withdraw({ package: modelPackage, workerId }: Registration): Promise<void> {
    const withdrawn = withdrawScript.run(
      this.#client,
      [registryKeys.presence],
      [presenceMember(modelPackage, workerId)],
    );
    let timer: NodeJS.Timeout | undefined;
    const graceOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#graceMs);
    });
    try {
      await Promise.race([withdrawn, graceOver]);
    } finally {
      clearTimeout(timer);
      withdrawn.catch(() => undefined);
    }
  }

  async list(): Promise<ModelListing[]> {
    return [...(await this.#listings.current()).values()];
  }

  async resolve(name: string): Promise<ModelListing | undefined> {
    return (await this.#listings.current()).get(name) ?? (await this.#listings.latest()).get(name);
  }

  async remove(checkpoint: string): Promise<RemovalOutcome> {
    const { packages, highest, names, presence } = registryKeys;
    const outcome = removeReply.parse(
      await removeScript.run(
        this.#client,
        [packages, highest, names, presence],
        [checkpoint, checkpointFields(checkpoint), this.#graceMs],
      ),
    );
    // Who asks here next must not read of it any more.
    await this.#listings.latest();
    return outcome;
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }

  async #fetch(): Promise<ReadonlyMap<string, ModelListing>> {
    const keys = [registryKeys.packages, registryKeys.presence];
    const [stored, present] = listReply.parse(await listScript.run(this.#client, keys, [this.#graceMs]));
    return toListings(stored, present);
  }

  get #forgetMs(): number {
    return Math.max(this.#graceMs, MIN_FORGET_MS);
  }

  #contentOf(modelPackage: Registration['package']): PackageContent {
    const known = this.#contents.get(modelPackage) ?? contentOf(modelPackage);
    this.#contents.set(modelPackage, known);
    return known;
  }
}

/** A `ModelRegistry` on Redis, with one connection. */
export function createRedisModelRegistry(options: RedisModelRegistryOptions): ModelRegistry {
  return new RedisModelRegistry(options);
}
