import { FoveaError } from '@fovea/errors';
import type { ModelPackage } from '@fovea/schemas/model-package';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EngineHealth } from '../engine/health/engine-health.js';
import { FakeBackend } from '../fakes/fake-backend.js';
import { FakeModelRegistry } from '../fakes/fake-model-registry.js';
import { Presence, type PresenceOptions } from './presence.js';

const modelPackage = (maxModelLen: number): ModelPackage => ({
  checkpoint: 'tiny-vlm',
  version: 1,
  tags: [],
  generatorType: 'vllm',
  models: [
    {
      name: 'tiny-vlm',
      description: '',
      multimodalEnabled: true,
      chat: true,
      completion: false,
      transcription: false,
      embedding: false,
      embeddingPrefixes: null,
      rerank: false,
      maximumCompletionTokens: null,
      aligned: false,
      promptTemplate: '',
      modelCard: null,
    },
  ],
  extensions: [],
  capabilities: { tools: false, structuredOutput: [], reasoning: 'separate', tokenizer: false },
  waitForWorkerS: 0,
  maxModelLen,
  imageProcessor: null,
});

const rules = { intervalMs: 1, timeoutMs: 1_000, failuresUntilUnfit: 1, successesUntilFit: 1 };

describe('Presence', () => {
  let backend: FakeBackend;
  let health: EngineHealth;
  let registry: FakeModelRegistry;
  let presence: Presence;
  let refused: FoveaError[];
  let errors: unknown[];
  let maxModelLen: number;

  const create = (changes: Partial<PresenceOptions> = {}): Presence =>
    new Presence(registry, health, {
      workerId: 'worker-1',
      describe: () => Promise.resolve(modelPackage(maxModelLen)),
      renewIntervalMs: 1,
      onRegistered: () => undefined,
      onRefused: (error) => refused.push(error),
      onError: (error) => errors.push(error),
      ...changes,
    });

  const becomes = (isFit: boolean): Promise<void> =>
    new Promise((resolve) => {
      const stop = health.onChange((now) => {
        if (now !== isFit) return;
        stop();
        resolve();
      });
    });

  beforeEach(() => {
    backend = new FakeBackend();
    health = new EngineHealth(backend, rules);
    registry = new FakeModelRegistry();
    refused = [];
    errors = [];
    maxModelLen = 4096;
    presence = create();
  });

  afterEach(async () => {
    await presence.withdraw();
    await health.stop();
  });

  it('registers once the engine is fit, then renews', async () => {
    presence.start();
    expect(presence.isRegistered).toBe(false);
    health.start();
    await registry.until((calls) => calls.length >= 3);
    expect(registry.calls.slice(0, 3)).toEqual(['register', 'renew', 'renew']);
    expect(presence.isRegistered).toBe(true);
  });

  it('registers again when the registry has forgotten it', async () => {
    presence.start();
    health.start();
    await registry.until((calls) => calls.includes('renew'));
    registry.forget();
    await registry.until((calls) => calls.filter((call) => call === 'register').length === 2);
    expect(registry.registered?.workerId).toBe('worker-1');
  });

  it('is silent while the engine is unfit, so that the grace runs out', async () => {
    presence.start();
    health.start();
    await registry.until((calls) => calls.includes('renew'));
    backend.problem = new Error('engine is gone');
    await becomes(false);
    // A renewal may have been under way at that moment; none begins after it.
    await new Promise((resolve) => setImmediate(resolve));
    const before = registry.calls.length;
    const probes = backend.probes;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (backend.probes > probes + 20) resolve();
        else setImmediate(look);
      };
      look();
    });
    expect(registry.calls.length).toBe(before);
  });

  it('describes the engine anew after an outage', async () => {
    presence.start();
    health.start();
    await registry.until((calls) => calls.includes('renew'));
    backend.problem = new Error('engine is gone');
    await becomes(false);
    maxModelLen = 8192;
    backend.problem = undefined;
    await registry.until((calls) => calls.filter((call) => call === 'register').length === 2);
    expect(registry.registered?.package.maxModelLen).toBe(8192);
  });

  it.each(['MODEL_PACKAGE_CONFLICT', 'INVALID_REQUEST'] as const)(
    'gives up when the registry answers %s',
    async (code) => {
      registry.problem = new FoveaError(code, { message: 'version 1 is registered with other content' });
      const given = new Promise<FoveaError>((resolve) => {
        presence = create({ onRefused: resolve });
      });
      presence.start();
      health.start();
      expect((await given).code).toBe(code);
      expect(presence.isRegistered).toBe(false);
      expect(registry.calls).toEqual(['register']);
    },
  );

  it('tries again when the registry cannot be asked', async () => {
    registry.problem = new Error('connection lost');
    presence.start();
    health.start();
    await registry.until((calls) => calls.length >= 2);
    registry.problem = undefined;
    await registry.until((calls) => calls.includes('renew'));
    expect(errors.length).toBeGreaterThanOrEqual(2);
    expect(refused).toEqual([]);
  });

  it('tries again when the engine cannot be described, whatever its error', async () => {
    let failures = 2;
    presence = create({
      describe: () => {
        failures -= 1;
        return failures >= 0
          ? Promise.reject(new FoveaError('INVALID_REQUEST'))
          : Promise.resolve(modelPackage(1));
      },
    });
    presence.start();
    health.start();
    await registry.until((calls) => calls.includes('register'));
    expect(errors).toHaveLength(2);
    expect(refused).toEqual([]);
  });

  it('withdraws and stays away', async () => {
    presence.start();
    health.start();
    await registry.until((calls) => calls.includes('renew'));
    await presence.withdraw();
    expect(registry.registered).toBeUndefined();
    expect(registry.calls.at(-1)).toBe('withdraw');
  });
});
