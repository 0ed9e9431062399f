import type { EngineMessage } from '@fovea/backends';
import { describe, expect, it } from '@jest/globals';
import { FakeBlobStore } from '../fakes/fake-blob-store.js';
import { createJob } from '../fakes/fake-lease.js';
import { buildChatGeneration, heldBytes } from './chat-request.js';

const signal = new AbortController().signal;
const model = { engineModel: 'engine/tiny', maximumCompletionTokens: 100 };

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
    const request = await buildChatGeneration(job, model, new FakeBlobStore(), signal);
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
    const { messages } = await buildChatGeneration(job, model, blobs, signal);
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
    const { messages } = await buildChatGeneration(job, model, blobs, signal);
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
    const request = await buildChatGeneration(job, model, blobs, signal);
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
    const request = await buildChatGeneration(withImage, served, blobs, signal);
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
    expect(await buildChatGeneration(job, model, new FakeBlobStore(), signal)).toMatchObject({
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
    const request = await buildChatGeneration(job, model, new FakeBlobStore(), signal);
    expect(request.extensions).toEqual({ min_p: 0.1 });
  });

  it('calls a blob that is gone our failure, and keeps its name out of the public text', async () => {
    const missing = { name: 'c'.repeat(64), mediaType: 'image/png', byteSize: 3 };
    const job = createJob({
      blobs: [missing],
      task: { kind: 'chat', messages: [imageMessage(0)], sampling: {} },
    });
    const { messages } = await buildChatGeneration(job, model, new FakeBlobStore(), signal);
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
    await expect(buildChatGeneration(job, model, blobs, signal)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('refuses an index the envelope has no blob for', async () => {
    const job = createJob({ task: { kind: 'chat', messages: [imageMessage(3)], sampling: {} } });
    await expect(buildChatGeneration(job, model, new FakeBlobStore(), signal)).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});
