import { describe, expect, it } from '@jest/globals';
import type { WindowRow } from './window-rows.js';
import { testWindows } from './window-self-test.js';

const sound = { values: new Float32Array(), places: 0, size: 0 };

/** A graph whose logits are the token's, and something of the batch's size. */
function graphThat(influence: number, value = 1) {
  const open = new Set<WindowRow>();
  return {
    open,
    begin: async () => {
      const row = { length: 1 };
      open.add(row);
      return { row, logits: () => new Float32Array() };
    },
    step: async (steps: readonly { readonly token: number }[]) =>
      steps.map(({ token }) => Float32Array.of(value * token, influence * steps.length, 10)),
    rewind: () => undefined,
    release: (row: WindowRow) => void open.delete(row),
  };
}

describe('the self-test of a decoder of windows', () => {
  it('lets windows be written together that do not influence each other', async () => {
    const graph = graphThat(0.01);
    expect(await testWindows(graph, sound, [1], [2, 3])).toEqual({ vocabularySize: 3, batching: true });
    expect(graph.open.size).toBe(0);
  });

  it('tells of those that do', async () => {
    const { batching } = await testWindows(graphThat(3), sound, [1], [2, 3]);
    expect(batching).toContain('differs from its rows by 30.0 %');
  });

  it('refuses nonsense', async () => {
    await expect(testWindows(graphThat(0, Number.NaN), sound, [1], [2, 3])).rejects.toThrow('not finite');
  });
});
