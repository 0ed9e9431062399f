import { describe, expect, it } from '@jest/globals';
import {
  idefics3Grid,
  idefics3TileCount,
  idefics3TokensPerTile,
  idefics3WrapperTokens,
} from './idefics3-grid.js';

interface Checkpoint {
  readonly longestEdge: number;
  readonly tileEdge: number;
  readonly patch: number;
  readonly scale: number;
}

const smolVlm: Checkpoint = { longestEdge: 2048, tileEdge: 512, patch: 16, scale: 4 };
const smolVlmOneTile: Checkpoint = { ...smolVlm, longestEdge: 512 };
const smolVlmLarge: Checkpoint = { longestEdge: 1536, tileEdge: 384, patch: 14, scale: 3 };
const idefics3: Checkpoint = { longestEdge: 1456, tileEdge: 364, patch: 14, scale: 2 };

function count(width: number, height: number, checkpoint: Checkpoint, doImageSplitting = true) {
  const grid = idefics3Grid(width, height, { ...checkpoint, doImageSplitting });
  const perTile = idefics3TokensPerTile(checkpoint.tileEdge, checkpoint.patch, checkpoint.scale);
  return { rows: grid.rows, columns: grid.columns, tokens: idefics3TileCount(grid) * perTile };
}

describe('tokens of an Idefics3 image', () => {
  it.each([
    [512, 16, 4, 64],
    [384, 14, 3, 81],
    [364, 14, 2, 169],
    [64, 8, 2, 16],
  ])('a tile of %i pixels with patch %i and scale %i has %i tokens', (edge, patch, scale, tokens) => {
    expect(idefics3TokensPerTile(edge, patch, scale)).toBe(tokens);
  });

  it.each([
    [1, 1, 4, 4, 1088, 2873],
    [224, 224, 4, 4, 1088, 2873],
    [512, 512, 4, 4, 1088, 2873],
    [1024, 1024, 4, 4, 1088, 2873],
    [640, 480, 3, 4, 832, 2197],
    [1300, 876, 3, 4, 832, 2197],
    [1920, 1080, 3, 4, 832, 2197],
    [4032, 3024, 3, 4, 832, 2197],
    [1080, 1920, 4, 3, 832, 2197],
    [2048, 512, 1, 4, 320, 845],
    [3000, 300, 1, 4, 320, 845],
    [5000, 100, 1, 4, 320, 845],
  ])('%i×%i is %i rows of %i tiles', (width, height, rows, columns, smol, large) => {
    expect(count(width, height, smolVlm)).toEqual({ rows, columns, tokens: smol });
    expect(count(width, height, idefics3)).toEqual({ rows, columns, tokens: large });
    expect(count(width, height, smolVlmOneTile)).toEqual({ rows: 0, columns: 0, tokens: 64 });
  });

  it.each([
    [1280, 640, 2, 4],
    [1600, 1067, 3, 4],
    [224, 224, 4, 4],
  ])('%i×%i on 364 pixel tiles is %i×%i, as transformers.js has it', (width, height, rows, columns) => {
    expect(count(width, height, idefics3)).toMatchObject({ rows, columns });
  });

  it('an image without splitting is one tile whatever its size', () => {
    for (const checkpoint of [smolVlm, smolVlmLarge, idefics3]) {
      expect(count(4032, 3024, checkpoint, false)).toMatchObject({ rows: 0, columns: 0 });
      expect(idefics3Grid(4032, 3024, { ...checkpoint, doImageSplitting: false })).toMatchObject({
        width: checkpoint.tileEdge,
        height: checkpoint.tileEdge,
      });
    }
  });

  it('the first resize keeps the aspect, makes the short side even and never 0', () => {
    const sizes = { longestEdge: 64, tileEdge: 64, doImageSplitting: false };
    expect(idefics3Grid(200, 151, sizes)).toMatchObject({ scaledWidth: 64, scaledHeight: 48 });
    expect(idefics3Grid(151, 200, sizes)).toMatchObject({ scaledWidth: 48, scaledHeight: 64 });
    expect(idefics3Grid(100, 75, sizes)).toMatchObject({ scaledWidth: 64, scaledHeight: 48 });
    expect(idefics3Grid(101, 77, sizes)).toMatchObject({ scaledWidth: 64, scaledHeight: 48 });
    expect(idefics3Grid(10_000, 1, sizes)).toMatchObject({ scaledWidth: 64, scaledHeight: 1 });
  });

  it('no side is larger than 4096 pixels after the first resize', () => {
    const grid = idefics3Grid(500, 1000, { longestEdge: 5000, tileEdge: 512, doImageSplitting: true });
    expect(grid).toMatchObject({ scaledWidth: 2048, scaledHeight: 4096, rows: 8, columns: 4 });
  });

  it('wrapper tokens: two per tile, a newline between rows, the whole view; three without a grid', () => {
    expect(idefics3WrapperTokens({ rows: 3, columns: 4 })).toBe(24 + 2 + 1 + 3);
    expect(idefics3WrapperTokens({ rows: 0, columns: 0 })).toBe(3);
  });
});
