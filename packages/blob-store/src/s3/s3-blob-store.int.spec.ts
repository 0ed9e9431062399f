import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { describeIf, type S3Server, s3Binary, startS3Server } from '@fovea/testing';
import { afterAll, beforeAll } from '@jest/globals';
import type { S3Location } from '../blob-store-url.js';
import { describeBlobStore } from '../conformance.js';
import { Bucket } from './bucket.js';
import { createS3Client } from './client.js';
import { createS3BlobStore } from './s3-blob-store.js';

describeIf(s3Binary, 'on an S3 server', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server.stop());

  const newLocation = (): S3Location => ({
    kind: 's3',
    bucket: server.bucket,
    prefix: `${randomUUID()}/`,
    endpoint: server.endpoint,
    region: 'us-east-1',
    isPathStyle: true,
  });

  describeBlobStore('the S3 store', async (settings) => {
    const location = newLocation();
    const make = () => createS3BlobStore({ location, credentials: server, ...settings });
    const client = createS3Client(location, server);
    const bucket = new Bucket(client, location.bucket, location.prefix);
    return {
      store: make(),
      another: make,
      clockTickMs: 1_050,
      async contents() {
        const keys: string[] = [];
        for await (const { key } of bucket.list('')) if (key !== 'salt') keys.push(key);
        const { Uploads } = await client.send(new ListMultipartUploadsCommand(bucket.fullPrefix));
        return [...keys, ...(Uploads ?? []).map(({ Key }) => `upload of ${Key}`)].sort();
      },
      async dispose() {
        client.destroy();
      },
    };
  });
});
