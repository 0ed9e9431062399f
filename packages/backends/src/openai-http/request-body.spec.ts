import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { imageOf, type TestImage } from '../conformance/test-png.js';
import type { EngineMessage } from '../index.js';
import { apiDefaults, toWireParameters } from './chat/wire-parameters.js';
import { createRequestBody, maxPieceBytes, type RequestBody } from './request-body.js';

async function collect(body: RequestBody): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of body.pieces()) pieces.push(piece);
  return pieces;
}

const picture = (image: TestImage): EngineMessage => ({
  role: 'user',
  content: [
    { type: 'text', text: 'what "is" \\ this?\n' },
    { type: 'image', image },
    { type: 'text', text: '…and why?' },
  ],
});

describe('createRequestBody', () => {
  it.each([0, 1, 2, 3, 49_151, 49_152, 49_153, 200_000])(
    'writes an image of %d bytes as JSON whose length is what it said, in bounded pieces',
    async (size) => {
      const bytes = randomBytes(size);
      const body = createRequestBody([{ role: 'system', content: 'be brief' }, picture(imageOf(bytes))], {
        model: 'm',
      });
      const pieces = await collect(body);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(maxPieceBytes);
      const whole = Buffer.concat(pieces);
      expect(whole.length).toBe(body.byteLength);
      expect(JSON.parse(whole.toString())).toEqual({
        messages: [
          { role: 'system', content: 'be brief' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what "is" \\ this?\n' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } },
              { type: 'text', text: '…and why?' },
            ],
          },
        ],
        model: 'm',
      });
    },
  );

  it.each([1, 2, 3, 4, 5, 16_384, 65_536, 196_608])(
    'writes the same base64 when the image comes in chunks of %d bytes, twice if need be',
    async (chunkBytes) => {
      const bytes = randomBytes(Math.min(400_001, chunkBytes * 1_000 + 1));
      const body = createRequestBody([picture(imageOf(bytes, { chunkBytes }))], {});
      const pieces = await collect(body);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(maxPieceBytes);
      const whole = Buffer.concat(pieces);
      expect(whole.length).toBe(body.byteLength);
      expect(whole.toString()).toContain(`base64,${bytes.toString('base64')}"`);
      expect(Buffer.concat(await collect(body)).equals(whole)).toBe(true);
    },
  );

  it('uses a chunk before it asks for the next one', async () => {
    const bytes = randomBytes(500);
    const memory = Buffer.alloc(100);
    const image: TestImage = {
      ...imageOf(bytes),
      async *chunks() {
        for (let at = 0; at < bytes.length; at += memory.length) {
          memory.set(bytes.subarray(at, at + memory.length));
          yield memory;
        }
      },
    };
    const text = Buffer.concat(await collect(createRequestBody([picture(image)], {}))).toString();
    expect(text).toContain(`base64,${bytes.toString('base64')}"`);
  });

  it.each([9, 11])('throws when an image of 10 bytes turns out to have %d', async (size) => {
    const image = { ...imageOf(randomBytes(size), { chunkBytes: 4 }), byteSize: 10 };
    await expect(collect(createRequestBody([picture(image)], {}))).rejects.toMatchObject({
      code: 'INTERNAL',
      detail: expect.stringContaining('of 10 bytes'),
    });
  });

  it('cuts long text too, inside UTF-8 sequences if need be, and can be sent twice', async () => {
    const text = 'ß€😀'.repeat(30_000);
    const body = createRequestBody([{ role: 'user', content: text, name: 'é' }], {});
    const first = await collect(body);
    expect(first.length).toBeGreaterThan(3);
    expect(Math.max(...first.map((piece) => piece.length))).toBeLessThanOrEqual(maxPieceBytes);
    expect(JSON.parse(Buffer.concat(first).toString())).toEqual({
      messages: [{ role: 'user', name: 'é', content: text }],
    });
    expect(Buffer.concat(await collect(body)).equals(Buffer.concat(first))).toBe(true);
  });

  it('encodes a view into a larger buffer, not the buffer', async () => {
    const view = new Uint8Array(randomBytes(100).buffer, 0).subarray(10, 20);
    const text = Buffer.concat(await collect(createRequestBody([picture(imageOf(view))], {}))).toString();
    expect(text).toContain(`base64,${Buffer.from(view).toString('base64')}"`);
  });

  it.each([
    ['image/png; charset=x', 'data:image/png;base64,'],
    ['"}]} nonsense', 'data:application/octet-stream;base64,'],
  ])('writes the declared type %j so that vLLM can read it', async (mediaType, start) => {
    const text = Buffer.concat(
      await collect(createRequestBody([picture(imageOf(Buffer.from('x'), { mediaType }))], {})),
    ).toString();
    expect(text).toContain(`"url":"${start}`);
    expect(() => JSON.parse(text)).not.toThrow();
  });
});

describe('toWireParameters', () => {
  const options = { samplingDefaults: apiDefaults, returnTokenIds: false };
  const request = { requestId: 'r', model: 'm', messages: [], sampling: {} };

  it('always streams, asks for running usage, and names the API’s defaults', () => {
    expect(toWireParameters(request, options)).toEqual({
      model: 'm',
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      temperature: 1,
      top_p: 1,
      top_k: 0,
    });
  });

  it('writes every parameter under its wire name', () => {
    const sampling = {
      maxTokens: 5,
      temperature: 0,
      topP: 0.5,
      topK: 3,
      n: 2,
      stop: ['x'],
      frequencyPenalty: 1,
      presencePenalty: -1,
      logitBias: { '5': 1 },
      seed: 7,
      logprobs: true,
      topLogprobs: 4,
    };
    expect(toWireParameters({ ...request, sampling }, { ...options, returnTokenIds: true })).toMatchObject({
      max_tokens: 5,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      n: 2,
      stop: ['x'],
      frequency_penalty: 1,
      presence_penalty: -1,
      logit_bias: { '5': 1 },
      seed: 7,
      logprobs: true,
      top_logprobs: 4,
      return_token_ids: true,
    });
  });

  it('lets extensions win over defaults, the client over extensions, and nobody over the stream', () => {
    const extensions = { top_k: 9, temperature: 0.1, stream: false, model: 'other' };
    expect(
      toWireParameters({ ...request, sampling: { temperature: 0.7 }, extensions }, options),
    ).toMatchObject({
      top_k: 9,
      temperature: 0.7,
      stream: true,
      model: 'm',
    });
  });

  it('turns top_p 0 off instead of sending what vLLM refuses, and drops top_logprobs without logprobs', () => {
    const wire = toWireParameters({ ...request, sampling: { topP: 0, topLogprobs: 3 } }, options);
    expect(wire).toMatchObject({ top_p: 1 });
    expect(wire).not.toHaveProperty('top_logprobs');
  });
});
