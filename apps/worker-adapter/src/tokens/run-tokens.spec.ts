import { fstatSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { BlobRef, InferenceJob } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { FakeBackend } from '../fakes/fake-backend.js';
import { FakeBlobStore } from '../fakes/fake-blob-store.js';
import { createJob } from '../fakes/fake-lease.js';
import { isTokens, TokensRunner, type TokensTask } from './run-tokens.js';

const never = new AbortController().signal;
const model = { engineModel: 'm', maximumCompletionTokens: null, contextTokens: 8_192 };

async function run(
  task: TokensTask,
  { blobs = new FakeBlobStore(), refs = [] as BlobRef[], modelPath = undefined as string | undefined } = {},
): Promise<GenerationEvent[]> {
  const job: InferenceJob = { ...createJob({ blobs: refs }), task };
  if (!isTokens(job)) throw new Error('not a job about tokens');
  const events: GenerationEvent[] = [];
  const runner = new TokensRunner(blobs, modelPath);
  for await (const some of runner.run(job, model, new FakeBackend(), never)) events.push(...some);
  return events;
}

describe('a job about tokens', () => {
  it('tells the ids and the pieces of a text, a long one in several events', async () => {
    const text = 'aé😀'.repeat(1000);
    const events = await run({ kind: 'tokenize', text });
    const tokens = events.filter((event) => event.type === 'tokens');
    expect(tokens.map(({ tokenIds }) => tokenIds.length)).toEqual([2048, 952]);
    expect(tokens.flatMap((event) => event.tokens ?? []).join('')).toBe(text);
    expect(events.at(-1)).toEqual({
      type: 'generation-end',
      usage: { promptTokens: 0, completionTokens: 0 },
    });
  });

  it('tells nothing of an empty text', async () => {
    expect(await run({ kind: 'tokenize', text: '' })).toHaveLength(1);
  });

  it('reads a long text from its blob', async () => {
    const blobs = new FakeBlobStore();
    const ref = blobs.add('a', Buffer.from('hé'));
    const [tokens] = await run({ kind: 'tokenize', text: { blob: 0 } }, { blobs, refs: [ref] });
    expect(tokens).toMatchObject({ tokens: ['h', 'é'] });
  });

  it('puts ids together again', async () => {
    const [text] = await run({ kind: 'detokenize', tokenIds: [104, 105] });
    expect(text).toEqual({ type: 'text-delta', index: 0, text: 'hi' });
  });

  it('fails as ours when the blob is gone, or holds something else', async () => {
    await expect(run({ kind: 'tokenize', text: { blob: 0 } })).rejects.toMatchObject({ code: 'INTERNAL' });
    const blobs = new FakeBlobStore();
    const ref = blobs.add('a', Buffer.from('{"no":"ids"}'));
    await expect(
      run({ kind: 'detokenize', tokenIds: { blob: 0 } }, { blobs, refs: [ref] }),
    ).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('the tokenizer of a model', () => {
  it('is the file beside its weights where there is one, else what the engine shows', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fovea-tokens-'));
    try {
      const blobs = new FakeBlobStore();
      const documents: unknown[] = [];
      for (const modelPath of [undefined, folder]) {
        const [event] = await run({ kind: 'tokenizer' }, { blobs, modelPath });
        documents.push(event?.type === 'document' ? `${await blobs.read(event.blob)}` : event);
      }
      await writeFile(join(folder, 'tokenizer.json'), '{"of":"the folder"}');
      const [event] = await run({ kind: 'tokenizer' }, { blobs, modelPath: folder });
      documents.push(event?.type === 'document' ? `${await blobs.read(event.blob)}` : event);
      expect(documents).toEqual(['{"of":"m"}', '{"of":"m"}', '{"of":"the folder"}']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves no file open that a store does not come to read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fovea-tokens-'));
    try {
      const path = join(folder, 'tokenizer.json');
      await writeFile(path, '{}');
      const blobs = new FakeBlobStore();
      blobs.put = () => Promise.reject(new Error('the client has left'));
      await expect(run({ kind: 'tokenizer' }, { blobs, modelPath: folder })).rejects.toThrow('has left');
      const { ino } = await stat(path);
      expect((await openInodes()).filter((each) => each === ino)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Of all files that this process has open. */
async function openInodes(): Promise<number[]> {
  const inodes: number[] = [];
  for (const descriptor of await readdir('/dev/fd')) {
    try {
      inodes.push(fstatSync(Number(descriptor)).ino);
    } catch {
      // Closed meanwhile, as the one of the folder itself is.
    }
  }
  return inodes;
}
