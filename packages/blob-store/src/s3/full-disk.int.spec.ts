import { describeIf, mountSmallDisk, s3Binary, smallDisk, startS3Server } from '@fovea/testing';
import { describeFullDisk, FULL_DISK_BYTES } from '../full-disk.conformance.js';
import { TestBucket } from './conformance/test-bucket.js';

describeIf(s3Binary, 'on an S3 server', () => {
  describeIf(smallDisk, 'with a disk in memory', () => {
    describeFullDisk('the S3 store', async (settings) => {
      const disk = await mountSmallDisk(FULL_DISK_BYTES);
      const server = await startS3Server({ folder: disk.folder });
      const made = new TestBucket(server);
      return {
        store: made.store(settings),
        another: () => made.store(settings),
        contents: () => made.contents(),
        async dispose() {
          await made.dispose();
          await server.stop();
          await disk.remove();
        },
      };
    });
  });
});
