import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { S3Server } from '@fovea/testing';
import type { S3Location } from '../../blob-store-url.js';
import { Bucket } from '../bucket.js';
import { createS3Client } from '../client.js';
import { createS3BlobStore, type S3BlobStoreOptions } from '../s3-blob-store.js';

/** A store of its own in the server's bucket, seen from outside. */
export class TestBucket {
  readonly location: S3Location;
  readonly bucket: Bucket;

  constructor(
    private readonly server: S3Server,
    endpoint = server.endpoint,
  ) {
    this.location = {
      kind: 's3',
      bucket: server.bucket,
      prefix: `${randomUUID()}/`,
      endpoint,
      region: 'us-east-1',
      isPathStyle: true,
    };
    const direct = { ...this.location, endpoint: server.endpoint };
    this.bucket = new Bucket(createS3Client(direct, server), server.bucket, direct.prefix);
  }

  get url(): string {
    const { bucket, prefix, endpoint } = this.location;
    return `s3://${bucket}/${prefix}?endpoint=${endpoint}`;
  }

  store(options: Partial<S3BlobStoreOptions> = {}) {
    const ages = { lingerS: 600, maxReferenceAgeS: 3_600 };
    return createS3BlobStore({ location: this.location, credentials: this.server, ...ages, ...options });
  }

  /** Keys of all objects but the salt, and unfinished uploads. */
  async contents(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.bucket.list('')) if (key !== 'salt') keys.push(key);
    const list = new ListMultipartUploadsCommand(this.bucket.fullPrefix);
    const { Uploads: uploads = [] } = await this.bucket.client.send(list);
    return [...keys, ...uploads.map(({ Key }) => `upload of ${Key}`)].sort();
  }

  async dispose(): Promise<void> {
    this.bucket.client.destroy();
  }
}
