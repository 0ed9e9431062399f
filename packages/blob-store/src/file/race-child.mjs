/**
 * One process of the race test: users put few pictures under many owners, read what they hold, and release, while
 * a sweeper deletes all that is not held. Prints `up`, then `done` when nothing was ever lost.
 */
import { createFileBlobStore } from './file-blob-store.ts';

const [root, id, turns] = process.argv.slice(2);
const LINGER_S = 1;
const store = createFileBlobStore({ root, lingerS: LINGER_S, maxReferenceAgeS: 3_600, maxBytes: 1e9 });

async function* bytesOf(text) {
  yield Buffer.from(text);
}

async function user(number) {
  for (let turn = 0; turn < Number(turns); turn += 1) {
    const owner = `owner-${id}-${number}-${turn}`;
    const text = `picture ${(number + turn) % 4}`.repeat(100);
    const ref = await store.put(bytesOf(text), { tenant: 'acme', owner, mediaType: 'image/png' });
    for (let look = 0; look < 3; look += 1) {
      if (String(await store.read(ref)) !== text) throw new Error(`${owner} read other bytes`);
    }
    await store.release(owner, { linger: turn % 3 === 0 });
  }
}

let isOver = false;
async function sweeper() {
  while (!isOver) await store.sweep(Date.now() + (LINGER_S + 1) * 1_000);
}

process.stdout.write('up\n');
const sweeping = sweeper();
await Promise.all([0, 1, 2, 3].map(user));
isOver = true;
await sweeping;
process.stdout.write('done\n');
