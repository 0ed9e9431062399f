import { readdir } from 'node:fs/promises';
import { describeIf, mountSmallDisk, smallDisk } from '@fovea/testing';
import { describeFullDisk, FULL_DISK_BYTES } from '../full-disk.conformance.js';
import { createFileBlobStore } from './file-blob-store.js';

describeIf(smallDisk, 'in memory', () => {
  describeFullDisk('the file store', async (settings) => {
    const disk = await mountSmallDisk(FULL_DISK_BYTES);
    const make = () => createFileBlobStore({ root: disk.folder, ...settings });
    return {
      store: make(),
      another: make,
      async contents() {
        const entries = await readdir(disk.folder, { recursive: true, withFileTypes: true });
        const files = entries.filter((entry) => entry.isFile() && entry.name !== 'salt');
        return files.map((entry) => entry.name).sort();
      },
      dispose: () => disk.remove(),
    };
  });
});
