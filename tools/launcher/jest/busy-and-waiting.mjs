import sequencer from '@jest/test-sequencer';

/** A CommonJS module: Node gives its default export, the types a namespace around it. */
const TestSequencer = /** @type {typeof import('@jest/test-sequencer').default} */ (
  /** @type {unknown} */ (sequencer)
);
/** @typedef {Parameters<InstanceType<typeof TestSequencer>['sort']>[0][number]} Test */

/** What a file takes that no run on this machine has measured yet, by its project. */
const usualMs = new Map([
  ['e2e', 15_000],
  ['integration', 6_000],
  ['unit', 600],
]);
/** What takes several times as long, so that nothing else is left when the last file ends. */
const longMs = new Map([
  ['images.e2e.spec.ts', 60_000],
  ['document.e2e.spec.ts', 55_000],
  ['conformance.int.spec.ts', 45_000],
  ['playground.e2e.spec.ts', 45_000],
  ['pocketsphinx-model.int.spec.ts', 45_000],
  ['clients.e2e.spec.ts', 40_000],
  ['start.e2e.spec.mjs', 40_000],
  ['human-voice.e2e.spec.ts', 30_000],
  ['whisper-model.int.spec.ts', 30_000],
  ['worker-death.e2e.spec.ts', 30_000],
  ['faulty-requests.e2e.spec.ts', 30_000],
  ['main.int.spec.ts', 30_000],
  ['engine-failures.int.spec.ts', 25_000],
  ['guide-commands.e2e.spec.ts', 25_000],
  ['proxies.e2e.spec.ts', 25_000],
  ['fuzz.spec.ts', 15_000],
  ['early-answer.spec.ts', 14_000],
]);

/**
 * The order of all spec files: the longest first, in two rows that are begun in step. What talks to a server or runs the
 * system waits for most of its time, the rest computes. With more workers than cores, one kind after the other would
 * leave the cores idle first and overload them later.
 */
export default class BusyAndWaiting extends TestSequencer {
  /**
   * @override
   * @param {Test[]} tests
   */
  async sort(tests) {
    // Jest's own order notes how long each took last time.
    const sorted = [...(await super.sort(tests))].sort((a, b) => msOf(b) - msOf(a));
    const isBusy = (/** @type {Test} */ test) => nameOf(test) === 'unit';
    return inStep(
      sorted.filter(isBusy),
      sorted.filter((test) => !isBusy(test)),
      msOf,
    );
  }
}

/** @param {Test} test */
function msOf(test) {
  const file = test.path.slice(test.path.lastIndexOf('/') + 1);
  return test.duration ?? longMs.get(file) ?? usualMs.get(nameOf(test)) ?? 0;
}

/** @param {Test} test */
function nameOf(test) {
  return test.context.config.displayName?.name ?? '';
}

/**
 * Merges two rows so that of both the same share of time has been begun at any place.
 * @template T
 * @param {readonly T[]} one
 * @param {readonly T[]} other
 * @param {(item: T) => number} ms
 * @returns {T[]}
 */
export function inStep(one, other, ms) {
  const rows = [one, other].map((items) => {
    const wholeMs = items.reduce((sum, item) => sum + ms(item), 0);
    let begunMs = 0;
    return items.map((item) => {
      const share = begunMs / wholeMs;
      begunMs += ms(item);
      return { item, share };
    });
  });
  return rows
    .flat()
    .sort((a, b) => a.share - b.share)
    .map(({ item }) => item);
}
