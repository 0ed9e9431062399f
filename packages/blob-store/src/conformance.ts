import { afterEach, beforeEach, describe } from '@jest/globals';
import { describeFailedPuts } from './conformance/failed-puts.js';
import { describeLargeBlobs } from './conformance/large-blobs.js';
import { describePuts } from './conformance/puts.js';
import { describeReferences } from './conformance/references.js';
import { describeSharing } from './conformance/sharing.js';
import { type MakeStore, Suite } from './conformance/suite.js';
import { describeSweeps } from './conformance/sweeps.js';

export type { StoreSettings, StoreUnderTest } from './conformance/suite.js';

/** What every adapter of `BlobStore` must do. */
export function describeBlobStore(name: string, makeStore: MakeStore): void {
  describe(`${name} as a blob store`, () => {
    const suite = new Suite(makeStore);

    beforeEach(() => suite.start());
    afterEach(() => suite.made.dispose());

    describePuts(suite);
    describeFailedPuts(suite);
    describeLargeBlobs(suite);
    describeReferences(suite);
    describeSweeps(suite);
    describeSharing(suite);
  });
}
