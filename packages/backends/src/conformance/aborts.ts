import { FoveaError } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';
import { neverAborted, type Suite, textOf } from './suite.js';

export function describeAborts(suite: Suite): void {
  describe('an abort', () => {
    it('before the first pull keeps the request from the engine', async () => {
      suite.expectFailure((await suite.run({}, AbortSignal.abort())).error, 'CANCELLED');
      expect(suite.harness.seenRequests()).toBe(0);
    });

    it('before the first token ends the engine’s work', async () => {
      suite.harness.script({ kind: 'hang', pieces: [] });
      const controller = new AbortController();
      const running = suite.run({}, controller.signal);
      await suite.harness.untilRunning();
      controller.abort();
      suite.expectFailure((await running).error, 'CANCELLED');
      await suite.harness.untilAborted(1);
    });

    it('in mid-answer ends the engine’s work; a catalogue error as reason comes back', async () => {
      suite.harness.script({ kind: 'hang', pieces: ['a', 'b'] });
      const controller = new AbortController();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const batch of suite.harness.backend.generate(suite.request(), controller.signal)) {
          seen.push(textOf(batch));
          if (seen.join('') === 'ab') controller.abort(new FoveaError('TIMEOUT'));
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: 'TIMEOUT' });
      await suite.harness.untilAborted(1);
    });

    it('ends the engine’s work at once, also when the reader is busy elsewhere', async () => {
      suite.harness.script({ kind: 'hang', pieces: ['a'] });
      const controller = new AbortController();
      const { backend } = suite.harness;
      const events = backend.generate(suite.request(), controller.signal)[Symbol.asyncIterator]();
      await events.next();
      controller.abort();
      await suite.harness.untilAborted(1);
      await expect(events.next()).rejects.toMatchObject({ code: 'CANCELLED' });
    });

    it('is what leaving the loop means', async () => {
      suite.harness.script({ kind: 'hang', pieces: ['a'] });
      for await (const _ of suite.harness.backend.generate(suite.request(), neverAborted)) break;
      await suite.harness.untilAborted(1);
    });

    it('of one request leaves the others alone', async () => {
      suite.harness.script({ kind: 'hang', pieces: ['a'] });
      const controller = new AbortController();
      const { backend } = suite.harness;
      const doomed = backend.generate(suite.request(), controller.signal)[Symbol.asyncIterator]();
      await doomed.next();
      const other = suite.run();
      controller.abort();
      expect((await other).error).toBeUndefined();
    });

    it('ends vectors and scores, too', async () => {
      const { backend, model } = suite.harness;
      const ids = { requestId: '01920000-0000-7000-8000-000000000004', model };
      const aborted = AbortSignal.abort();
      await suite.expectRejection(backend.embed({ ...ids, inputs: ['a'] }, aborted), 'CANCELLED');
      await suite.expectRejection(
        backend.rerank({ ...ids, query: 'q', documents: ['a'] }, aborted),
        'CANCELLED',
      );
      expect(suite.harness.seenRequests()).toBe(0);
    });
  });
}
