import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Quarantine } from './index.js';

/** What an adapter brings to its conformance tests: handles of several processes on one quarantine. */
export interface QuarantineFixture {
  /** The suite closes it. */
  connect(settings: { readonly lastsS: number; readonly trialS?: number }): Promise<Quarantine>;
  stop(): Promise<void>;
}

const LONG_S = 600;
let made = 0;
const newFingerprint = (): string => `${(made++).toString(16)}`.padStart(64, '0');

/** The contract of `Quarantine` as tests; every adapter passes them. */
export function describeQuarantine(name: string, make: () => Promise<QuarantineFixture>): void {
  describe(`${name} as a quarantine`, () => {
    let fixture: QuarantineFixture;
    let worker: Quarantine;
    let gateway: Quarantine;

    beforeAll(async () => {
      fixture = await make();
      worker = await fixture.connect({ lastsS: LONG_S });
      gateway = await fixture.connect({ lastsS: LONG_S });
    });
    afterAll(async () => {
      await Promise.all([worker.close(), gateway.close()]);
      await fixture.stop();
    });

    it('knows nothing of a request that did no harm', async () => {
      expect(await gateway.suspicionOf(newFingerprint())).toBe('none');
    });

    it('shows suspects and the condemned to other processes', async () => {
      const [one, two] = [newFingerprint(), newFingerprint()];
      await worker.suspect([one, two]);
      await worker.condemn(two);
      expect(await gateway.suspicionOf(one)).toBe('suspect');
      expect(await gateway.suspicionOf(two)).toBe('condemned');
    });

    it('takes nobody as a suspect', async () => {
      await expect(worker.suspect([])).resolves.toBeUndefined();
    });

    it('clears a suspect, and one that is none', async () => {
      const fingerprint = newFingerprint();
      await worker.suspect([fingerprint]);
      await worker.clear(fingerprint);
      await worker.clear(fingerprint);
      expect(await gateway.suspicionOf(fingerprint)).toBe('none');
    });

    it('neither clears the condemned nor makes them suspects again', async () => {
      const fingerprint = newFingerprint();
      await worker.condemn(fingerprint);
      await worker.clear(fingerprint);
      await worker.suspect([fingerprint]);
      expect(await gateway.suspicionOf(fingerprint)).toBe('condemned');
    });

    it('gives the trial of an engine to one holder, until it leaves', async () => {
      const engine = `engine ${newFingerprint()}`;
      expect(await worker.enterTrial(engine, 'one')).toBe(true);
      expect(await gateway.enterTrial(engine, 'two')).toBe(false);
      expect(await gateway.enterTrial(`${engine} beside it`, 'two')).toBe(true);
      expect(await worker.enterTrial(engine, 'one')).toBe(true);
      await gateway.leaveTrial(engine, 'two');
      expect(await gateway.enterTrial(engine, 'two')).toBe(false);
      await worker.leaveTrial(engine, 'one');
      expect(await gateway.enterTrial(engine, 'two')).toBe(true);
    });

    it('ends a trial whose holder is gone', async () => {
      const engine = `engine ${newFingerprint()}`;
      const brief = await fixture.connect({ lastsS: LONG_S, trialS: 0.05 });
      expect(await brief.enterTrial(engine, 'one')).toBe(true);
      while (!(await worker.enterTrial(engine, 'two')))
        await new Promise((resolve) => setTimeout(resolve, 10));
      await brief.close();
    });

    it('forgets after its time', async () => {
      const brief = await fixture.connect({ lastsS: 0.05 });
      const [one, two] = [newFingerprint(), newFingerprint()];
      await brief.suspect([one]);
      await brief.condemn(two);
      for (const fingerprint of [one, two]) {
        while ((await brief.suspicionOf(fingerprint)) !== 'none') {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
      await brief.close();
    });
  });
}
