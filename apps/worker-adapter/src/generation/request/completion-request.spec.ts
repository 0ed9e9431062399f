import type { CompletionTask, PromptItem } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { FakeBlobStore } from '../../fakes/fake-blob-store.js';
import { createJob } from '../../fakes/fake-lease.js';
import { plainRequestPorts } from '../../fakes/request-ports.js';
import { buildGeneration } from './build-request.js';
import { buildCompletionGeneration, type CompletionJob } from './completion-request.js';
import { heldBytes } from './held-bytes.js';
import type { RequestPorts } from './request-source.js';

const signal = new AbortController().signal;
const model = { engineModel: 'engine/tiny', maximumCompletionTokens: 100, contextTokens: 8_192 };
const said = (text: string): PromptItem => ({ type: 'text', text });

const jobOf = (task: Partial<CompletionTask>, blobs: CompletionJob['blobs'] = []): CompletionJob => ({
  ...createJob({ blobs }),
  task: { kind: 'completion', prompts: [[said('once')]], sampling: {}, ...task },
});

async function build(job: CompletionJob, blobs = new FakeBlobStore(), more: Partial<RequestPorts> = {}) {
  return buildCompletionGeneration(job, model, { ...plainRequestPorts(blobs), ...more }, signal);
}

describe('buildCompletionGeneration', () => {
  it('hands on what was asked, and what bounds it', async () => {
    const responseFormat = { type: 'json_object' as const };
    const task = { echo: true, extensions: { min_p: 0.1 }, responseFormat };
    const job = jobOf(task);
    const request = await build(job);
    expect(request).toMatchObject({
      kind: 'completion',
      model: 'engine/tiny',
      prompts: [[said('once')]],
      contextTokens: 8_192,
      maximumTokens: 100,
      ...task,
    });
    expect(request.sampling).toEqual({});
    const ports = plainRequestPorts(new FakeBlobStore());
    expect(await buildGeneration(job, model, ports, signal)).toEqual(request);
  });

  it.each([
    [0, 0],
    [99, 99],
    [101, 100],
  ])('lowers a maximum of %i to %i', async (maxTokens, sent) => {
    expect((await build(jobOf({ sampling: { maxTokens } }))).sampling.maxTokens).toBe(sent);
  });

  it('reads long prompts from their blob', async () => {
    const blobs = new FakeBlobStore();
    const prompts = [[said('a')], [{ type: 'token-ids' as const, tokenIds: [1, 2] }]];
    const ref = blobs.add('a', Buffer.from(JSON.stringify({ prompts })), 'application/json');
    const job = jobOf({ prompts: { blob: 0 } }, [ref]);
    expect((await build(job, blobs)).prompts).toEqual(prompts);
    expect(heldBytes(job)).toBe(ref.byteSize);
  });

  it.each([
    ['is gone', undefined],
    ['holds no JSON', '['],
    ['holds something else', '[{"role":"user"}]'],
  ])('fails as a fault of ours when the blob of the prompts %s', async (_, bytes) => {
    const blobs = new FakeBlobStore();
    const ref = blobs.add('a', Buffer.from(bytes ?? ''), 'application/json');
    if (bytes === undefined) blobs.bytes.clear();
    await expect(build(jobOf({ prompts: { blob: 0 } }, [ref]), blobs)).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });

  it('has each image cut to a square: the one that was asked for, else the one in its middle', async () => {
    const blobs = new FakeBlobStore();
    const ref = blobs.add('a', Buffer.from('pixels'), 'image/jpeg');
    const image = { type: 'image' as const, blob: 0, path: 'prompt[0].data' };
    const crop = { x: 1, y: 2, size: 3 };
    const { prompts } = await build(jobOf({ prompts: [[image, { ...image, crop }]] }, [ref]), blobs);
    expect(prompts[0]).toMatchObject([
      { type: 'image', crop: 'center', image: { mediaType: 'image/jpeg', path: 'prompt[0].data' } },
      { type: 'image', crop },
    ]);
  });

  it('breaks the vision tokens that a client typed, and tells how many', async () => {
    const told: number[] = [];
    const ports: Partial<RequestPorts> = {
      visionTokens: null,
      onTokensBroken: (_model, count) => told.push(count),
    };
    const { prompts } = await build(jobOf({ prompts: [[said('<image> a')]] }), undefined, ports);
    expect(prompts[0]).not.toEqual([said('<image> a')]);
    expect(told).toEqual([1]);
  });

  it('salts the cache of an engine that has salts', async () => {
    expect((await build(jobOf({}))).cacheSalt).toBeUndefined();
    expect((await build(jobOf({}), undefined, { hasCacheSalt: true })).cacheSalt).toMatch(/^[\w-]{43}$/);
  });
});
