import { describe, expect, it } from '@jest/globals';
import { FakeBlobStore } from '../../fakes/fake-blob-store.js';
import { FakeTokenStream } from '../../fakes/fake-token-stream.js';
import { endUnreadable } from './end-unreadable.js';

describe('endUnreadable', () => {
  it('ends the log with INTERNAL and releases the blobs', async () => {
    const stream = new FakeTokenStream();
    const blobs = new FakeBlobStore();
    await endUnreadable('r1', stream, blobs);
    expect(stream.events('r1')).toMatchObject([{ type: 'error', code: 'INTERNAL' }]);
    expect(blobs.released).toEqual([{ owner: 'r1', linger: true }]);
  });

  it('leaves a log alone that has its end', async () => {
    const stream = new FakeTokenStream();
    await stream.open('r1', 'f');
    await stream.append('r1', 'f', [{ type: 'error', code: 'TIMEOUT', message: 'late' }]);
    await endUnreadable('r1', stream, new FakeBlobStore());
    expect(stream.events('r1')).toMatchObject([{ code: 'TIMEOUT' }]);
  });
});
