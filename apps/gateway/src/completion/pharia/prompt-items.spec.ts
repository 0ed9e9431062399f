import type { PromptWire } from '@fovea/schemas/http';
import type { BlobRef } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { listingOf, refusalOf } from '../testing/listing.js';
import { optimizePrompt } from './optimize-prompt.js';
import { toPromptItems } from './prompt-items.js';

const photo: BlobRef = {
  name: 'a'.repeat(64),
  mediaType: 'image/jpeg',
  byteSize: 1,
  width: 40,
  height: 30,
};
const text = (data: string) => ({ type: 'text' as const, data });
const image = (crop: object = {}) => ({ type: 'image' as const, data: '', ...crop });
const ids = (...data: number[]) => ({ type: 'token_ids' as const, data });

const translate = (prompt: PromptWire, listing = listingOf(), ref = photo) => {
  const paths = [...prompt].map((_, at) => `prompt[${at}].data`);
  return toPromptItems(prompt, new Map(paths.map((path) => [path, ref])), listing);
};

describe('the items of a prompt', () => {
  it('keep their order; images become indices', () => {
    const { items, blobs, pieces } = translate([image(), text('a'), ids(5, 6), image()]);
    expect(items).toEqual([
      { type: 'image', blob: 0, path: 'prompt[0].data' },
      { type: 'text', text: 'a' },
      { type: 'token-ids', tokenIds: [5, 6] },
      { type: 'image', blob: 1, path: 'prompt[3].data' },
    ]);
    expect(blobs).toHaveLength(2);
    expect(pieces).toMatchObject([
      { path: 'prompt[0].data', image: { width: 30, height: 30 } },
      { path: 'prompt[1].data', text: 'a' },
      { path: 'prompt[2].data', tokens: 2 },
      { path: 'prompt[3].data' },
    ]);
    expect(translate('a').items).toEqual([{ type: 'text', text: 'a' }]);
    expect(translate([]).items).toEqual([]);
  });

  it('may have a square of an image, as it stands upright', () => {
    const crop = { x: 10, y: 0, size: 30 };
    expect(translate([image(crop)]).items[0]).toMatchObject({ crop });
    const lying = { ...photo, orientation: 6 };
    const refused = refusalOf(() => translate([image(crop)], listingOf(), lying));
    expect(refused).toMatchObject({ code: 'INVALID_REQUEST', param: 'prompt[0].size' });
    expect(() => translate([image({ x: 0, y: 10, size: 30 })], listingOf(), lying)).not.toThrow();
    const nothing = { x: null, y: null, size: null };
    expect(translate([image(nothing)]).items[0]).not.toHaveProperty('crop');
  });

  it.each([
    ['prompt[1].x', { x: 1 }],
    ['prompt[1].y', { y: 1, size: 3 }],
    ['prompt[1].x', { x: 1, y: 1, size: null }],
    ['prompt[1].size', { x: 11, y: 0, size: 30 }],
    ['prompt[1].size', { x: 0, y: 1, size: 30 }],
  ])('refuse at %s a square that is none: %j', (param, crop) => {
    const refused = refusalOf(() => translate([text('a'), image(crop)]));
    expect(refused).toMatchObject({ code: 'INVALID_REQUEST', param });
  });

  it('offer no attention controls', () => {
    const controls = [{ start: 0, length: 1, factor: 2 }];
    const refused = refusalOf(() => translate([text('a'), { ...text('b'), controls }]));
    expect(refused).toMatchObject({ code: 'MISSING_CAPABILITY', param: 'prompt[1].controls' });
    expect(() =>
      translate([
        { ...text('a'), controls: [] },
        { ...text('a'), controls: null },
      ]),
    ).not.toThrow();
  });

  it('point to the conversation where the model takes images only there', () => {
    const refused = refusalOf(() => translate([text('a'), image()], listingOf('vllm', { chat: true })));
    expect(refused).toMatchObject({
      code: 'MISSING_CAPABILITY',
      param: 'prompt[1].data',
      message: expect.stringContaining('/chat/completions'),
    });
    const blind = listingOf('luminous', { multimodalEnabled: false });
    expect(refusalOf(() => translate([image()], blind))).toMatchObject({
      code: 'MISSING_CAPABILITY',
      param: 'prompt[0].data',
    });
  });

  it('are of one kind for vLLM', () => {
    const refused = refusalOf(() => translate([text('a'), ids(1)], listingOf('vllm')));
    expect(refused).toMatchObject({ code: 'MISSING_CAPABILITY', param: 'prompt[1].type' });
    expect(refusalOf(() => translate([ids(1), text('a')], listingOf('vllm')))).toMatchObject({
      param: 'prompt[0].type',
    });
    expect(() => translate([ids(1), ids(2)], listingOf('vllm'))).not.toThrow();
    expect(() => translate([text('a'), ids(1)], listingOf('luminous'))).not.toThrow();
  });
});

describe('a prompt that is optimised', () => {
  const optimize = (prompt: PromptWire) => optimizePrompt(translate(prompt).items);

  it.each([
    [[text(' Hello '), text(' world! ')], [text('Hello  world! '.trimEnd())]],
    [' Hello ', [text('Hello')]],
    [
      [ids(1), text(' The '), text('end ')],
      [ids(1), text(' The end')],
    ],
    [
      [text(' a '), ids(1), text(' b ')],
      [text('a '), ids(1), text(' b')],
    ],
    [[text(' ')], [text('')]],
  ])('of %j is %j', (prompt, expected) => {
    expect(optimize(prompt).optimized).toEqual(expected);
  });

  it('is told only when it changed', () => {
    for (const prompt of ['Hello', [text('a'), ids(1), text('b')], [image(), text(' a b')], []]) {
      expect(optimize(prompt).optimized).toBeUndefined();
    }
  });

  it('sends no picture back', () => {
    expect(optimize([image({ x: 1, y: 2, size: 3 }), image(), text('a ')]).optimized).toEqual([
      { type: 'image', data: '', x: 1, y: 2, size: 3 },
      { type: 'image', data: '', x: null, y: null, size: null },
      text('a'),
    ]);
  });
});
