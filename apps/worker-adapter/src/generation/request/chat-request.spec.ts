import type { ChatGeneration, EngineImage, EngineMessage } from '@fovea/backends';
import { describe, expect, it } from '@jest/globals';
import { FakeBlobStore } from '../../fakes/fake-blob-store.js';
import { createJob } from '../../fakes/fake-lease.js';
import { plainRequestPorts } from '../../fakes/request-ports.js';
import { buildChatGeneration } from './chat-request.js';
import { heldBytes } from './held-bytes.js';
import type { RequestPorts } from './request-source.js';

const signal = new AbortController().signal;
const model = { engineModel: 'engine/tiny', maximumCompletionTokens: 100, contextTokens: 8_192 };

const imageMessage = (blob: number) => ({
  role: 'user' as const,
  content: [
    { type: 'text' as const, text: 'What is this?' },
    { type: 'image' as const, blob, path: 'messages[0].content[1].image_url.url' },
  ],
});

/** The bytes of a message's only image. */
async function imageBytes(message: EngineMessage | undefined): Promise<Buffer> {
  const content = message === undefined || typeof message.content === 'string' ? [] : message.content;
  const chunks: Uint8Array[] = [];
  for (const part of content) {
    if (part.type === 'image') for await (const chunk of part.image.chunks()) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

describe('heldBytes', () => {
  const blob = (byteSize: number) => ({ name: 'a'.repeat(64), mediaType: 'image/png', byteSize });

  it('counts long messages whole and images only as far as they are in memory at a time', () => {
    const messages = { blob: 1 };
    const blobs = [blob(30_000_000), blob(5_000_000), blob(20_000_000)];
    expect(heldBytes(createJob({ blobs, task: { kind: 'chat', messages, sampling: {} } }))).toBe(
      5_000_000 + 2 * 1024 * 1024,
    );
    expect(heldBytes(createJob({ blobs: [blob(7)] }))).toBe(7);
    expect(heldBytes(createJob())).toBe(0);
  });
});

describe('buildChatGeneration', () => {
  it('keeps a plain string plain and names the model as the engine does', async () => {
    const job = createJob();
    const request = await buildChatGeneration(job, model, plainRequestPorts(new FakeBlobStore()), signal);
    expect(request).toMatchObject({
      requestId: job.id,
      model: 'engine/tiny',
      messages: [{ role: 'user', content: 'Hi' }],
    });
  });

  it('puts the bytes of an image where its part stands, with the path for error messages', async () => {
    const blobs = new FakeBlobStore();
    const ref = blobs.add('a', Buffer.from('pixels'), 'image/webp');
    const job = createJob({
      blobs: [ref],
      task: { kind: 'chat', messages: [imageMessage(0)], sampling: {} },
    });
    const { messages } = await buildChatGeneration(job, model, plainRequestPorts(blobs), signal);
    expect(messages[0]?.content).toEqual([
      { type: 'text', text: 'What is this?' },
      {
        type: 'image',
        image: {
          mediaType: 'image/webp',
          byteSize: 6,
          path: 'messages[0].content[1].image_url.url',
          chunks: expect.any(Function),
        },
      },
    ]);
    expect(await imageBytes(messages[0])).toEqual(Buffer.from('pixels'));
  });

  it('reads an image when it is sent, and anew for a second try', async () => {
    const blobs = new FakeBlobStore();
    const ref = blobs.add('a', Buffer.from('pixels'));
    const job = createJob({
      blobs: [ref],
      task: { kind: 'chat', messages: [imageMessage(0)], sampling: {} },
    });
    const { messages } = await buildChatGeneration(job, model, plainRequestPorts(blobs), signal);
    expect(blobs.reads).toEqual([]);
    expect(await imageBytes(messages[0])).toEqual(Buffer.from('pixels'));
    expect(await imageBytes(messages[0])).toEqual(Buffer.from('pixels'));
    expect(blobs.reads).toHaveLength(2);
  });

  it('takes long content from its blob', async () => {
    const blobs = new FakeBlobStore();
    const text = 'long '.repeat(50_000);
    const message = { role: 'user', content: [{ type: 'text', text }], plain: true };
    const ref = blobs.add(
      'b',
      Buffer.from(
        JSON.stringify({ messages: [message], tools: [{ name: 'f' }], extensions: { min_p: 0.1 } }),
      ),
      'application/json',
    );
    const job = createJob({ blobs: [ref], task: { kind: 'chat', messages: { blob: 0 }, sampling: {} } });
    const request = await buildChatGeneration(job, model, plainRequestPorts(blobs), signal);
    expect(request).toMatchObject({
      messages: [{ role: 'user', content: text }],
      tools: [{ name: 'f' }],
      extensions: { min_p: 0.1 },
    });
  });

  it.each([
    [undefined, 100, 100],
    [50, 100, 50],
    [500, 100, 100],
    [500, null, 500],
    [undefined, null, undefined],
  ])('bounds max tokens: asked %s, maximum %s, sent %s', async (asked, maximum, sent) => {
    const sampling = asked === undefined ? {} : { maxTokens: asked };
    const job = createJob({ task: { kind: 'chat', messages: [imageMessage(0)], sampling } });
    const blobs = new FakeBlobStore();
    const withImage = { ...job, blobs: [blobs.add('a', Buffer.from('x'))] };
    const served = { ...model, maximumCompletionTokens: maximum };
    const request = await buildChatGeneration(withImage, served, plainRequestPorts(blobs), signal);
    expect(request.sampling.maxTokens).toBe(sent);
  });

  it('passes calls, their results and the trace context on', async () => {
    const call = { id: 'c1', name: 'f', arguments: '{}' };
    const job = createJob({
      traceparent: '00-1-2-01',
      task: {
        kind: 'chat',
        messages: [
          { role: 'assistant', content: [], toolCalls: [call] },
          { role: 'tool', content: [{ type: 'text', text: 'x' }], plain: true, toolCallId: 'c1' },
        ],
        tools: [{ name: 'f' }],
        toolChoice: { name: 'f' },
        parallelToolCalls: false,
        responseFormat: { type: 'json_object' },
        sampling: {},
      },
    });
    expect(
      await buildChatGeneration(job, model, plainRequestPorts(new FakeBlobStore()), signal),
    ).toMatchObject({
      messages: [
        { role: 'assistant', content: [], toolCalls: [call] },
        { role: 'tool', content: 'x', toolCallId: 'c1' },
      ],
      tools: [{ name: 'f' }],
      toolChoice: { name: 'f' },
      parallelToolCalls: false,
      responseFormat: { type: 'json_object' },
      traceparent: '00-1-2-01',
    });
  });

  it('passes extensions on under their wire names', async () => {
    const job = createJob({
      task: { ...createJob().task, extensions: { min_p: 0.1 } },
    });
    const request = await buildChatGeneration(job, model, plainRequestPorts(new FakeBlobStore()), signal);
    expect(request.extensions).toEqual({ min_p: 0.1 });
  });

  it('calls a blob that is gone our failure, and keeps its name out of the public text', async () => {
    const missing = { name: 'c'.repeat(64), mediaType: 'image/png', byteSize: 3 };
    const job = createJob({
      blobs: [missing],
      task: { kind: 'chat', messages: [imageMessage(0)], sampling: {} },
    });
    const { messages } = await buildChatGeneration(
      job,
      model,
      plainRequestPorts(new FakeBlobStore()),
      signal,
    );
    await expect(imageBytes(messages[0])).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.not.stringContaining('cccc'),
      detail: expect.stringContaining('cccc'),
    });
  });

  it.each([
    ['no JSON', 'nope'],
    ['no messages', '{"role":"user"}'],
    ['an unknown part', '[{"role":"user","content":[{"type":"video"}]}]'],
  ])('refuses a blob of messages that holds %s', async (_what, text) => {
    const blobs = new FakeBlobStore();
    const ref = blobs.add('d', Buffer.from(text), 'application/json');
    const job = createJob({ blobs: [ref], task: { kind: 'chat', messages: { blob: 0 }, sampling: {} } });
    await expect(buildChatGeneration(job, model, plainRequestPorts(blobs), signal)).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });

  it('refuses an index the envelope has no blob for', async () => {
    const job = createJob({ task: { kind: 'chat', messages: [imageMessage(3)], sampling: {} } });
    await expect(
      buildChatGeneration(job, model, plainRequestPorts(new FakeBlobStore()), signal),
    ).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });

  describe('for an engine that is told more', () => {
    const able = (blobs: FakeBlobStore): RequestPorts => ({
      ...plainRequestPorts(blobs),
      handover: { mediaPath: '/media', hasUuids: true },
      hasCacheSalt: true,
    });
    const withImage = (blobs: FakeBlobStore) =>
      createJob({
        blobs: [blobs.add('a', Buffer.from('pixels'))],
        task: { kind: 'chat', messages: [imageMessage(0)], sampling: {} },
      });
    const imageOf = ({ messages }: ChatGeneration): EngineImage => {
      const parts = messages[0]?.content;
      const part = typeof parts === 'string' ? undefined : parts?.[1];
      if (part?.type !== 'image') throw new Error('no image');
      return part.image;
    };

    it('names images by tenant and bytes, and by their file where there is one', async () => {
      const blobs = new FakeBlobStore();
      const job = withImage(blobs);
      const bare = imageOf(await buildChatGeneration(job, model, able(blobs), signal));
      expect(bare.uuid).toBe('a'.repeat(64));
      expect(bare.fileUrl).toBeUndefined();
      blobs.folder = '/var/blobs';
      const image = imageOf(await buildChatGeneration(job, model, able(blobs), signal));
      expect(image.fileUrl).toBe(`file:///media/blobs/${'a'.repeat(64)}`);
    });

    it('salts caches by tenant, without its name', async () => {
      const salts = await Promise.all(
        ['acme', 'acme', 'other'].map(async (tenant) => {
          const job = createJob({ tenant });
          return (await buildChatGeneration(job, model, able(new FakeBlobStore()), signal)).cacheSalt;
        }),
      );
      expect(salts[0]).toBe(salts[1]);
      expect(salts[0]).not.toBe(salts[2]);
      expect(salts[0]).not.toContain('acme');
    });

    it('breaks vision tokens in whatever text a client wrote, and counts them', async () => {
      const typed = 'x <|image_pad|> y';
      const job = createJob({
        task: {
          kind: 'chat',
          messages: [
            { role: 'system', content: [{ type: 'text', text: typed }], plain: true },
            { role: 'user', name: typed, content: [{ type: 'text', text: typed }] },
            {
              role: 'assistant',
              content: [],
              toolCalls: [{ id: 'c', name: 'f', arguments: `{"a":"${typed}"}` }],
            },
            { role: 'tool', content: [{ type: 'text', text: typed }], plain: true, toolCallId: 'c' },
          ],
          tools: [{ name: 'f', description: typed, parameters: { properties: { [typed]: {} } } }],
          sampling: {},
        },
      });
      const counted: [string, number][] = [];
      const ports: RequestPorts = {
        ...plainRequestPorts(new FakeBlobStore()),
        visionTokens: 'qwen2_vl',
        onTokensBroken: (name, count) => counted.push([name, count]),
      };
      const request = await buildChatGeneration(job, model, ports, signal);
      expect(JSON.stringify(request)).not.toContain('<|image_pad|>');
      expect(JSON.stringify(request).replaceAll('\u2060', '').split(typed)).toHaveLength(8);
      expect(counted).toEqual([['tiny-vlm', 7]]);
    });

    it('leaves text alone where the model sees no pictures', async () => {
      const typed = 'x <|image_pad|> y';
      const messages = [
        { role: 'user' as const, content: [{ type: 'text' as const, text: typed }], plain: true },
      ];
      const job = createJob({ task: { kind: 'chat', messages, sampling: {} } });
      const request = await buildChatGeneration(job, model, able(new FakeBlobStore()), signal);
      expect(request.messages[0]?.content).toBe(typed);
    });
  });
});
