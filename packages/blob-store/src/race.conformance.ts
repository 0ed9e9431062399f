import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type BlobStoreSettings, createBlobStore } from './from-url.js';

const script = fileURLToPath(new URL('./fixtures/race-child.mjs', import.meta.url));

/** A store that several processes open by its address. */
export interface RacedStore {
  readonly url: string;
  readonly keys: Pick<BlobStoreSettings, 'accessKeyId' | 'secretAccessKey'>;
  contents(): Promise<readonly string[]>;
  dispose(): Promise<void>;
}

interface Child {
  readonly process: ChildProcess;
  /** Resolves when the child has stored something. */
  readonly up: Promise<unknown>;
  /** Rejects with what the child complained of when it failed. */
  readonly exited: Promise<void>;
}

interface Task {
  readonly url: string;
  readonly settings: BlobStoreSettings;
  readonly id: number;
  readonly turns: number;
}

function startChild(task: Task): Child {
  const loader = ['--conditions=source', '--import', '@fovea/testing/register-typescript'];
  const child = spawn(process.execPath, [...loader, script, JSON.stringify(task)]);
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const exited = once(child, 'close').then(() => {
    if (child.exitCode !== 0 && child.signalCode === null) throw new Error(complaint);
  });
  const up = once(child.stdout, 'data');
  return { process: child, up: Promise.race([up, exited]), exited };
}

/** What every adapter must stand, with processes that know nothing of each other and one that is killed at work. */
export function describeRace(name: string, turns: number, makeStore: () => Promise<RacedStore>): void {
  describe(`several processes on ${name}`, () => {
    let made: RacedStore;
    beforeEach(async () => {
      made = await makeStore();
    });
    afterEach(() => made.dispose());

    it('never lose a blob that is referred to, and a killed one leaves nothing that a sweep does not find', async () => {
      const settings = { lingerS: 1, maxReferenceAgeS: 3_600, maxBytes: 1e9, ...made.keys };
      const task = { url: made.url, settings };
      const children = [1, 2, 3].map((id) => startChild({ ...task, id, turns }));
      const victim = startChild({ ...task, id: 4, turns: 1_000_000 });
      await Promise.all([victim, ...children].map((child) => child.up));
      victim.process.kill('SIGKILL');
      await Promise.all([victim, ...children].map((child) => child.exited));
      expect([victim, ...children].map((child) => child.process.signalCode)).toEqual([
        'SIGKILL',
        ...children.map(() => null),
      ]);
      const store = await createBlobStore(made.url, settings);
      await store.sweep(Date.now() + 3_700_000);
      expect(await made.contents()).toEqual([]);
    }, 300_000);
  });
}
