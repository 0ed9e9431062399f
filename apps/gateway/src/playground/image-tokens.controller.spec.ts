import type { ModelListing, ModelRegistry } from '@fovea/model-registry';
import { describe, expect, it } from '@jest/globals';
import { ImageTokensController } from './image-tokens.controller.js';

const listing = (imageProcessor: unknown, multimodalEnabled = true): ModelListing =>
  ({ model: { multimodalEnabled }, package: { imageProcessor } }) as ModelListing;

const listings: Readonly<Record<string, ModelListing>> = {
  llava: listing({ family: 'llava', tokensPerImage: 576 }),
  unknown: listing(null),
  text: listing(null, false),
};
const registry = { resolve: (name: string) => Promise.resolve(listings[name]) } as ModelRegistry;
const controller = new ImageTokensController(registry);

describe('the tokens of a picture', () => {
  it('are counted by the image processor of the model', async () => {
    const counted = await controller.count({ model: 'llava', width: '640', height: '480' });
    expect(counted).toEqual({ tokens: 576 });
  });

  it('are null where nothing is known of it', async () => {
    expect(await controller.count({ model: 'unknown', width: '1', height: '4000' })).toEqual({
      tokens: null,
    });
  });

  it.each([
    ['a model that nobody offers', { model: 'x', width: '1', height: '1' }, 'UNKNOWN_MODEL', 'model'],
    ['a model for texts', { model: 'text', width: '1', height: '1' }, 'MISSING_CAPABILITY', 'model'],
    ['a side over the limit', { model: 'llava', width: '4001', height: '1' }, 'INVALID_REQUEST', 'width'],
    ['a side of nothing', { model: 'llava', width: '1', height: '0' }, 'INVALID_REQUEST', 'height'],
    ['a side that is no number', { model: 'llava', width: '1', height: 'x' }, 'INVALID_REQUEST', 'height'],
    ['no model', { width: '1', height: '1' }, 'INVALID_REQUEST', 'model'],
  ])('are refused for %s', async (_what, query, code, param) => {
    await expect(controller.count(query)).rejects.toMatchObject({ code, param });
  });
});
