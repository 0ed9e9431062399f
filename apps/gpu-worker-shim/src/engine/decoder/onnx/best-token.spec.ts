import { describe, expect, it } from '@jest/globals';
import { planBestToken } from './best-token.js';
import { readGraph } from './graph-nodes.js';

describe('outputs for the best token', () => {
  it.each([
    [8192, 128],
    [32_000, 200],
    [49_152, 256],
    [151_936, 1187],
  ])('cut a vocabulary of %i into blocks of %i', (vocabularySize, blockSize) => {
    expect(planBestToken(vocabularySize, 17)?.blockSize).toBe(blockSize);
  });

  it.each([538, 997, 1])('are not planned for a vocabulary of %i', (vocabularySize) => {
    expect(planBestToken(vocabularySize, 17)).toBeUndefined();
  });

  it('are not planned for a graph of operator set 11, whose GatherND has no batches', () => {
    expect(planBestToken(8192, 11)).toBeUndefined();
  });

  it.each([
    [17, ['best_token.blocks']],
    [18, ['best_token.blocks', 'best_token.axes']],
  ])('reduce as operator set %i writes it', (opset, inputs) => {
    const { nodes, outputs } = readGraph(planBestToken(8192, opset)!.addition);
    expect(nodes.find(({ operator }) => operator === 'ReduceMax')?.inputs).toEqual(inputs);
    expect(outputs.map(({ name, type }) => [name, type])).toEqual([
      ['best_token.block', 'int64'],
      ['best_token.logits', 'float32'],
    ]);
  });
});
