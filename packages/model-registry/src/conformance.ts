import type { Model, ModelPackage } from '@fovea/schemas/model-package';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ModelListing, ModelRegistry, Registration } from './index.js';

/** What an adapter brings to its conformance tests: handles of several processes on one registry. */
export interface ModelRegistryFixture {
  /** A handle of its own, as another process would have it. The suite closes it. */
  connect(settings: { readonly graceS: number }): Promise<ModelRegistry>;
  /** Forgets everything, as a loss of its storage would. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

const GRACE_S = 2;

const model = (name: string, changes: Partial<Model> = {}): Model => ({
  name,
  description: `The model ${name}`,
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
  ...changes,
});

const packageOf = (checkpoint: string, version: number, names: string[] = [checkpoint]): ModelPackage => ({
  checkpoint,
  version,
  tags: [],
  generatorType: 'onnx',
  models: names.map((name) => model(name)),
  extensions: ['top_k'],
  capabilities: { tools: false, structuredOutput: [], reasoning: 'separate', tokenizer: false },
  waitForWorkerS: 0,
  maxModelLen: 4_096,
  imageProcessor: null,
});

const worker = (modelPackage: ModelPackage, workerId = 'w1'): Registration => ({
  package: modelPackage,
  workerId,
});

/** Asks again until the answer fits; the runner's own time limit ends a wait for what never comes. */
async function eventually<T>(ask: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The contract of `ModelRegistry` as tests; every adapter passes them. */
export function describeModelRegistry(name: string, make: () => Promise<ModelRegistryFixture>): void {
  describe(`${name} as a model registry`, () => {
    let fixture: ModelRegistryFixture;
    let workers: ModelRegistry;
    let gateway: ModelRegistry;

    beforeAll(async () => {
      fixture = await make();
      workers = await fixture.connect({ graceS: GRACE_S });
      gateway = await fixture.connect({ graceS: GRACE_S });
    });
    beforeEach(() => fixture.wipe());
    afterAll(async () => {
      await Promise.all([workers.close(), gateway.close()]);
      await fixture.stop();
    });
    const seen = (modelName: string, fits: (listing: ModelListing | undefined) => boolean) =>
      eventually(
        async () => (await gateway.list()).find((listing) => listing.model.name === modelName),
        fits,
      );
    const available = (modelName: string) => seen(modelName, (listing) => listing?.status === 'available');

    it('shows a registered model to other processes, by name', async () => {
      await workers.register(worker(packageOf('vlm', 3, ['zebra', 'ant'])));
      await available('zebra');
      const listings = await gateway.list();
      expect(listings.map((listing) => [listing.model.name, listing.status])).toEqual([
        ['ant', 'available'],
        ['zebra', 'available'],
      ]);
      expect(await gateway.resolve('ant')).toMatchObject({
        model: model('ant'),
        package: { checkpoint: 'vlm', version: 3 },
      });
    });

    it('resolves a model that was registered a moment ago, and says undefined for what nobody offers', async () => {
      expect(await gateway.resolve('ocr')).toBeUndefined();
      await workers.register(worker(packageOf('ocr', 1)));
      expect((await gateway.resolve('ocr'))?.status).toBe('available');
      expect(await gateway.resolve('toString')).toBeUndefined();
      expect(await gateway.resolve('')).toBeUndefined();
    });

    it('takes any name a package may have', async () => {
      const odd = ['a:b', '{q}', 'ä/b c', '__proto__', "it's", 'x'.repeat(256)];
      await workers.register(worker(packageOf('odd:{models} check', 1, odd), 'worker:1'));
      await available('__proto__');
      expect((await gateway.list()).map((listing) => listing.model.name).sort()).toEqual([...odd].sort());
      await workers.withdraw(worker(packageOf('odd:{models} check', 1, odd), 'worker:1'));
      await seen('a:b', (listing) => listing?.status === 'unavailable');
    });

    describe('presence', () => {
      it('lapses after the grace without renewal; the model stays listed', async () => {
        await workers.register(worker(packageOf('silent', 1)));
        await available('silent');
        await seen('silent', (listing) => listing?.status === 'unavailable');
        expect(await workers.renew(worker(packageOf('silent', 1)))).toBe(true);
        await available('silent');
      });

      it('of one worker suffices, and that of another checkpoint does not count', async () => {
        const renewed = packageOf('renewed', 1);
        await workers.register(worker(renewed, 'silent'));
        await workers.register(worker(renewed, 'renewing'));
        await workers.register(worker(packageOf('other', 1), 'silent'));
        await eventually(
          async () => {
            await workers.renew(worker(renewed, 'renewing'));
            return gateway.list();
          },
          (listings) => listings.find((listing) => listing.model.name === 'other')?.status === 'unavailable',
        );
        await workers.renew(worker(renewed, 'renewing'));
        await available('renewed');
      });

      it('ends at once when the last worker withdraws', async () => {
        const modelPackage = packageOf('leaving', 1);
        const patient = await fixture.connect({ graceS: 3_600 });
        try {
          await workers.register(worker(modelPackage, 'w1'));
          await workers.register(worker(modelPackage, 'w2'));
          await workers.withdraw(worker(modelPackage, 'w1'));
          expect((await patient.resolve('leaving'))?.status).toBe('available');
          await workers.withdraw(worker(modelPackage, 'w2'));
          await eventually(
            () => patient.resolve('leaving'),
            (listing) => listing?.status === 'unavailable',
          );
        } finally {
          await patient.close();
        }
      });

      it('cannot be renewed for a package that is not known, or not so', async () => {
        expect(await workers.renew(worker(packageOf('lost', 1)))).toBe(false);
        await workers.register(worker(packageOf('lost', 1)));
        expect(await workers.renew(worker({ ...packageOf('lost', 1), maxModelLen: 1 }))).toBe(false);
        await fixture.wipe();
        expect(await workers.renew(worker(packageOf('lost', 1)))).toBe(false);
        await workers.register(worker(packageOf('lost', 1)));
        await available('lost');
      });

      it('of a worker that was never there can be withdrawn', async () => {
        await expect(workers.withdraw(worker(packageOf('nobody', 1)))).resolves.toBeUndefined();
      });
    });

    describe('a package', () => {
      it('may be registered by many workers, whatever the order of its lists', async () => {
        const first = { ...packageOf('many', 1, ['a', 'b']), tags: ['x', 'y'] };
        const second = { ...packageOf('many', 1, ['b', 'a']), tags: ['y', 'x'] };
        await workers.register(worker(first, 'w1'));
        await workers.register(worker(second, 'w2'));
        expect(await workers.renew(worker(second, 'w2'))).toBe(true);
      });

      it('is immutable per version', async () => {
        await workers.register(worker(packageOf('fixed', 2)));
        const changed = {
          ...packageOf('fixed', 2),
          models: [model('fixed', { description: 'Other' })],
          maxModelLen: 1,
        };
        await expect(workers.register(worker(changed, 'w2'))).rejects.toMatchObject({
          code: 'MODEL_PACKAGE_CONFLICT',
          message: expect.stringMatching(/"fixed".*models, maxModelLen/),
        });
        await available('fixed');
        expect((await gateway.resolve('fixed'))?.package.maxModelLen).toBe(4_096);
      });

      it('of a lower version is refused, unless that version is registered itself', async () => {
        await workers.register(worker(packageOf('rolling', 3)));
        await workers.register(worker(packageOf('rolling', 5)));
        await workers.register(worker(packageOf('rolling', 3), 'w2'));
        await expect(workers.register(worker(packageOf('rolling', 4)))).rejects.toMatchObject({
          code: 'INVALID_REQUEST',
          message: expect.stringMatching(/4.*"rolling".*5/),
        });
        await workers.register(worker(packageOf('rolling', 10)));
        await expect(workers.register(worker(packageOf('rolling', 9)))).rejects.toMatchObject({
          code: 'INVALID_REQUEST',
        });
      });

      it('may not offer a name of another checkpoint, and a refusal changes nothing', async () => {
        await workers.register(worker(packageOf('first', 1, ['common', 'own'])));
        await expect(
          workers.register(worker(packageOf('second', 1, ['free', 'common']))),
        ).rejects.toMatchObject({
          code: 'MODEL_PACKAGE_CONFLICT',
          message: expect.stringMatching(/"common".*"second".*"first"/),
        });
        expect(await gateway.resolve('free')).toBeUndefined();
        await workers.register(worker(packageOf('third', 1, ['free'])));
        await workers.register(worker(packageOf('second', 1, ['other'])));
      });

      it('is shown in its newest version while old and new serve together', async () => {
        await workers.register(worker(packageOf('vlm', 1, ['kept', 'dropped']), 'old'));
        await workers.register(worker(packageOf('vlm', 2, ['kept', 'added']), 'new'));
        await available('added');
        const versions = Object.fromEntries(
          (await gateway.list()).map((listing) => [listing.model.name, listing.package.version]),
        );
        expect(versions).toEqual({ added: 2, dropped: 1, kept: 2 });
        await workers.withdraw(worker(packageOf('vlm', 2, ['kept', 'added']), 'new'));
        await workers.renew(worker(packageOf('vlm', 1, ['kept', 'dropped']), 'old'));
        expect((await seen('added', (listing) => listing?.status === 'unavailable'))?.package.version).toBe(
          2,
        );
        await available('kept');
        await available('dropped');
      });

      it('is taken from exactly one of many that want the same name at once', async () => {
        const attempts = Array.from({ length: 20 }, (_, id) =>
          (id % 2 === 0 ? workers : gateway).register(worker(packageOf(`rival-${id}`, 1, ['wanted']))),
        );
        const outcomes = await Promise.allSettled(attempts);
        expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
      });

      it('is removed with all its versions and names once no worker is present, and can be registered anew', async () => {
        await workers.register(worker(packageOf('gone', 1, ['a', 'b']), 'w:1'));
        await workers.register(worker(packageOf('gone', 2, ['b']), 'w:2'));
        await workers.register(worker(packageOf('gone:2', 1, ['stays'])));
        expect(await gateway.remove('gone')).toBe('in-use');
        await workers.withdraw(worker(packageOf('gone', 2, ['b']), 'w:2'));
        expect(await gateway.remove('gone')).toBe('in-use');
        await workers.withdraw(worker(packageOf('gone', 1, ['a', 'b']), 'w:1'));
        expect(await gateway.remove('gone')).toBe('removed');
        expect((await gateway.list()).map((listing) => listing.model.name)).toEqual(['stays']);
        expect(await gateway.remove('gone')).toBe('unknown');
        expect(await workers.renew(worker(packageOf('gone', 2, ['b']), 'w:2'))).toBe(false);
        await workers.register(worker(packageOf('heir', 1, ['a'])));
        await workers.register(worker(packageOf('gone', 1, ['b'])));
        await available('b');
      });

      it('that nobody registered cannot be removed', async () => {
        for (const name of ['nobody', '', '__proto__']) expect(await gateway.remove(name)).toBe('unknown');
      });
    });
  });
}
