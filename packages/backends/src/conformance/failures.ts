import { describe, expect, it } from '@jest/globals';
import { isEngineGone } from '../engine-gone.js';
import { type Suite, textOf, typesOf, withImages } from './suite.js';
import { createTestPng } from './test-png.js';

export function describeFailures(suite: Suite): void {
  describe('a refusal', () => {
    it('of the image names it', async () => {
      suite.harness.script({ kind: 'refuse', because: 'image' });
      const image = createTestPng(8, 1);
      const { events, error } = await suite.run(withImages(image));
      expect(events).toEqual([]);
      expect(suite.expectFailure(error, 'INVALID_IMAGE').param).toBe(image.path);
    });

    it('for want of context says so', async () => {
      suite.harness.script({ kind: 'refuse', because: 'context' });
      suite.expectFailure((await suite.run()).error, 'CONTEXT_LENGTH_EXCEEDED');
    });

    it('of a busy engine says when to come back', async () => {
      suite.harness.script({ kind: 'refuse', because: 'busy' });
      const error = suite.expectFailure((await suite.run()).error, 'QUEUE_FULL');
      expect(error.retryAfterS).toBeGreaterThan(0);
      expect(isEngineGone(error)).toBe(false);
    });

    it('of a broken engine is its own fault, and no death', async () => {
      suite.harness.script({ kind: 'refuse', because: 'broken' });
      const error = suite.expectFailure((await suite.run()).error, 'BACKEND_ERROR');
      expect(isEngineGone(error)).toBe(false);
    });

    it('of a dead engine is told from any other', async () => {
      suite.harness.script({ kind: 'refuse', because: 'dead' });
      const error = suite.expectFailure((await suite.run()).error, 'BACKEND_ERROR');
      expect(isEngineGone(error)).toBe(true);
    });

    it('of an unknown model is told from a fault', async () => {
      suite.expectFailure((await suite.run({ model: 'no-such-model' })).error, 'UNKNOWN_MODEL');
    });
  });

  describe('a broken answer', () => {
    it.each(['break-off', 'no-finish'] as const)('(%s) gives what was said, then fails', async (kind) => {
      suite.harness.script({ kind, pieces: ['half', ' an'] });
      const { events, error } = await suite.run();
      expect(textOf(events)).toBe('half an');
      expect(typesOf(events)).not.toContain('generation-end');
      suite.expectFailure(error, 'BACKEND_ERROR');
    });

    it('leaves the backend fit for the next request', async () => {
      suite.harness.script({ kind: 'break-off', pieces: ['x'] });
      await suite.run();
      suite.harness.script({ kind: 'answer', pieces: ['fine'] });
      expect(textOf((await suite.run()).events)).toBe('fine');
    });
  });
}
