import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeRace } from '../race.conformance.js';

describeRace('one folder', 60, async () => {
  const root = await mkdtemp(join(tmpdir(), 'fovea-race-'));
  return {
    url: pathToFileURL(root).href,
    keys: {},
    async contents() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile() && entry.name !== 'salt').map((entry) => entry.name);
    },
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});
