import { describe, expect, it } from '@jest/globals';
import { isEngineGone } from '../engine-gone.js';
import { neverAborted, type Suite } from './suite.js';

export function describeEngineState(suite: Suite): void {
  describe('the engine', () => {
    it('is healthy, or dead by its own word', async () => {
      const { backend } = suite.harness;
      await backend.checkHealth(neverAborted);
      suite.harness.setHealth('dead');
      const error = await suite.expectRejection(backend.checkHealth(neverAborted), 'BACKEND_ERROR');
      expect(isEngineGone(error)).toBe(true);
    });

    it('that gives no answer in time is not called dead', async () => {
      suite.harness.setHealth('silent');
      const controller = new AbortController();
      const checking = suite.expectRejection(
        suite.harness.backend.checkHealth(controller.signal),
        'CANCELLED',
      );
      controller.abort();
      expect(isEngineGone(await checking)).toBe(false);
    });

    it('says how busy it is', async () => {
      const load = { running: 3, waiting: 7, kvCacheUsage: 0.25 };
      suite.harness.showLoad(load);
      expect(await suite.harness.backend.load(neverAborted)).toMatchObject(load);
    });

    it('shows progress by counts that only grow', async () => {
      const { backend } = suite.harness;
      const before = await backend.load(neverAborted);
      suite.harness.script({ kind: 'answer', pieces: ['a', 'b', 'c'] });
      await suite.run();
      const after = await backend.load(neverAborted);
      expect((after.generatedTokens ?? 0) - (before.generatedTokens ?? 0)).toBe(3);
      expect(after.promptTokens ?? 0).toBeGreaterThan(before.promptTokens ?? 0);
    });

    it('lists its models with their context length', async () => {
      expect(await suite.harness.backend.models(neverAborted)).toEqual([
        { id: suite.harness.model, maxModelLen: suite.harness.maxModelLen },
      ]);
    });

    it('that is gone is gone in every method', async () => {
      const { backend, model } = suite.harness;
      await suite.harness.stop();
      const ids = { requestId: '01920000-0000-7000-8000-000000000006', model };
      const errors = [
        suite.expectFailure((await suite.run()).error, 'BACKEND_ERROR'),
        await suite.expectRejection(backend.checkHealth(neverAborted), 'BACKEND_ERROR'),
        await suite.expectRejection(backend.load(neverAborted), 'BACKEND_ERROR'),
        await suite.expectRejection(backend.models(neverAborted), 'BACKEND_ERROR'),
        await suite.expectRejection(backend.embed({ ...ids, inputs: ['a'] }, neverAborted), 'BACKEND_ERROR'),
        await suite.expectRejection(
          backend.rerank({ ...ids, query: 'q', documents: ['a'] }, neverAborted),
          'BACKEND_ERROR',
        ),
      ];
      expect(errors.map(isEngineGone)).toEqual(errors.map(() => true));
    });
  });
}
