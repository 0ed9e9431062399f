import { describeIf, type S3Server, s3Binary, startS3Server } from '@fovea/testing';
import { afterAll, beforeAll } from '@jest/globals';
import { describeBlobStore } from '../conformance.js';
import { describeRace } from '../race.conformance.js';
import { TestBucket } from './conformance/test-bucket.js';

describeIf(s3Binary, 'on an S3 server', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server.stop());

  describeBlobStore('the S3 store', async (settings) => {
    const made = new TestBucket(server);
    return {
      store: made.store(settings),
      another: (changes) => made.store({ ...settings, ...changes }),
      // S3 dates objects in whole seconds.
      clockTickMs: 1_050,
      contents: () => made.contents(),
      dispose: () => made.dispose(),
    };
  });

  describeRace('one bucket', 15, async () => {
    const made = new TestBucket(server);
    const { accessKeyId, secretAccessKey } = server;
    return {
      url: made.url,
      keys: { accessKeyId, secretAccessKey },
      contents: () => made.contents(),
      dispose: () => made.dispose(),
    };
  });
});
