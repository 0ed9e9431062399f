import { describe, expect, it } from '@jest/globals';
import BusyAndWaiting, { inStep } from './busy-and-waiting.mjs';

/**
 * The order on a machine that has run none of these files yet.
 * @param {...[project: string, path: string]} files
 */
async function orderOf(...files) {
  const tests = files.map(([name, path]) => ({
    path,
    context: { config: { displayName: { name }, cache: false }, hasteFS: { getSize: () => 0 } },
  }));
  const sequencer = new BusyAndWaiting(/** @type {never} */ (undefined));
  const sorted = await sequencer.sort(/** @type {never} */ (tests));
  return sorted.map(({ path }) => path);
}

describe('the order of the spec files', () => {
  it('knows on a new machine what takes long, and puts the rest by kind', async () => {
    const order = await orderOf(
      ['integration', '/x.int.spec.ts'],
      ['e2e', '/y.e2e.spec.ts'],
      ['e2e', '/tools/launcher/start.e2e.spec.mjs'],
    );
    expect(order).toEqual(['/tools/launcher/start.e2e.spec.mjs', '/y.e2e.spec.ts', '/x.int.spec.ts']);
  });

  it('keeps computing and waiting files side by side until the end', () => {
    const ms = (/** @type {string} */ item) => Number(item.slice(1));
    expect(inStep(['b4', 'b2', 'b2'], ['w40', 'w30', 'w20', 'w10'], ms)).toEqual([
      'b4',
      'w40',
      'w30',
      'b2',
      'w20',
      'b2',
      'w10',
    ]);
    expect(inStep([], ['w1'], ms)).toEqual(['w1']);
  });
});
