import { FoveaError } from '@fovea/errors';
import type { Recipe } from '@fovea/image-preprocessing';
import type { BlobRef } from '@fovea/schemas/jobs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeBlobStore } from '../fakes/fake-blob-store.js';
import { BlobRoom } from '../generation/blob-room.js';
import { type ImageOwner, ImagePreparer } from './image-preparer.js';

const recipe: Recipe = {
  id: 'v1-png',
  mediaType: 'image/gif',
  upright: { width: 2, height: 1 },
  encoding: 'png',
  width: 2,
  height: 1,
};

describe('ImagePreparer', () => {
  let blobs: FakeBlobStore;
  let ref: BlobRef;
  let preparer: ImagePreparer;
  let outcomes: string[];
  let sources: (string | Uint8Array)[];
  /** Answers of the workers, in order of the calls. */
  let work: { done(bytes: string): void; fail(error: unknown): void }[];
  let called: () => void;

  beforeEach(() => {
    blobs = new FakeBlobStore();
    ref = blobs.add('a', Buffer.from('gif'), 'image/gif');
    outcomes = [];
    sources = [];
    work = [];
    called = () => undefined;
    preparer = new ImagePreparer({
      blobs,
      workers: {
        running: 0,
        waiting: 0,
        normalise: (source, _recipe, { signal }) => {
          sources.push(source);
          return new Promise((resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason));
            work.push({ done: (bytes) => resolve(Buffer.from(bytes)), fail: reject });
            called();
          });
        },
      },
      room: new BlobRoom(10),
      plan: ({ mediaType }) => (mediaType === 'image/gif' ? recipe : 'pass'),
      onPrepared: (outcome) => outcomes.push(outcome),
    });
  });

  const owner = (requestId: string, signal = new AbortController().signal): ImageOwner => ({
    tenant: 'acme',
    requestId,
    path: 'messages[0].content[0].image_url.url',
    signal,
  });
  /** Resolves when the workers are asked once more. */
  const nextCall = (): Promise<void> =>
    new Promise((resolve) => {
      called = resolve;
    });
  const make = async (requestId: string, bytes = 'png'): Promise<BlobRef> => {
    const asked = nextCall();
    const preparing = preparer.prepare(ref, owner(requestId));
    await asked;
    work.at(-1)?.done(bytes);
    return preparing;
  };

  it('passes a clean file, without reading it', async () => {
    const clean = blobs.add('b', Buffer.from('png'));
    expect(await preparer.prepare(clean, owner('r1'))).toBe(clean);
    expect(blobs.reads).toEqual([]);
    expect(outcomes).toEqual(['passed']);
  });

  it('stores what it made under a reference of the request, with its size', async () => {
    const made = await make('r1');
    expect(made).toMatchObject({ mediaType: 'image/png', byteSize: 3, width: 2, height: 1 });
    expect(blobs.bytes.get(made.name)?.toString()).toBe('png');
    expect(blobs.held).toEqual([{ name: made.name, owner: 'r1' }]);
    expect(outcomes).toEqual(['made']);
  });

  it('makes a picture once, whoever asks again', async () => {
    const made = await make('r1');
    expect(await preparer.prepare(ref, owner('r2'))).toEqual(made);
    expect(blobs.held.at(-1)).toEqual({ name: made.name, owner: 'r2' });
    expect(outcomes).toEqual(['made', 'reused']);
  });

  it('makes it once for those who ask at the same time', async () => {
    const asked = nextCall();
    const both = [preparer.prepare(ref, owner('r1')), preparer.prepare(ref, owner('r2'))];
    await asked;
    work[0]?.done('png');
    const [one, two] = await Promise.all(both);
    expect(two).toEqual(one);
    expect(work).toHaveLength(1);
    expect(outcomes).toEqual(['made', 'reused']);
  });

  it('is made by the next in line when the one who began is cancelled', async () => {
    const cancel = new AbortController();
    const asked = nextCall();
    const first = preparer.prepare(ref, owner('r1', cancel.signal));
    await asked;
    const second = preparer.prepare(ref, owner('r2'));
    const askedAgain = nextCall();
    cancel.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    await askedAgain;
    work[1]?.done('png');
    expect((await second).byteSize).toBe(3);
    expect(blobs.held.map((hold) => hold.owner)).toEqual(['r2']);
  });

  it('lets go of one who waits for another and is cancelled', async () => {
    const cancel = new AbortController();
    const asked = nextCall();
    const first = preparer.prepare(ref, owner('r1'));
    await asked;
    const second = preparer.prepare(ref, owner('r2', cancel.signal));
    cancel.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    work[0]?.done('png');
    await first;
  });

  it('makes a picture anew whose blob was deleted meanwhile', async () => {
    const made = await make('r1');
    blobs.bytes.delete(made.name);
    expect(await make('r2')).toEqual(made);
    expect(outcomes).toEqual(['made', 'made']);
  });

  it('hands on what is wrong with a damaged file, to everyone who sent it', async () => {
    const damaged = new FoveaError('INVALID_IMAGE', { param: 'p' });
    for (const requestId of ['r1', 'r2']) {
      const asked = nextCall();
      const preparing = preparer.prepare(ref, owner(requestId));
      await asked;
      work.at(-1)?.fail(damaged);
      await expect(preparing).rejects.toBe(damaged);
    }
  });

  it('reads a blob that is a file from there, else into memory, and not more at once than there is room for', async () => {
    const large = blobs.add('c', Buffer.alloc(8), 'image/gif');
    const asked = nextCall();
    const first = preparer.prepare(large, owner('r1'));
    await asked;
    const second = preparer.prepare(ref, owner('r2'));
    // It stands in line for room by then.
    await new Promise(setImmediate);
    blobs.folder = '/var/blobs';
    const asFile = preparer.prepare(blobs.add('d', Buffer.from('gif'), 'image/gif'), owner('r3'));
    await new Promise(setImmediate);
    expect(sources).toEqual([Buffer.alloc(8), `/var/blobs/${'d'.repeat(64)}`]);
    const askedAgain = nextCall();
    work[0]?.done('1');
    await first;
    await askedAgain;
    expect(sources.at(-1)).toEqual(Buffer.from('gif'));
    work[1]?.done('2');
    work[2]?.done('3');
    await Promise.all([second, asFile]);
  });
});
