/**
 * Writes pictures of the other renderer and what they show, for `unseen.py`:
 *
 *     node draw-unseen.mjs FOLDER COUNT SEED
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawUnseenPicture } from '../../../apps/gpu-worker-shim/dist/testing/unseen-pictures.js';

const [folder = '', count = '', seed = ''] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const scenes = [];
for (let index = 0; index < Number(count); index += 1) {
  const { scene, mediaType, bytes } = await drawUnseenPicture(Number(seed), index);
  const file = `${String(index).padStart(4, '0')}.${mediaType.slice('image/'.length)}`;
  await writeFile(join(folder, file), bytes);
  scenes.push({ file, background: scene.background, shapes: scene.shapes });
}
await writeFile(join(folder, 'scenes.json'), JSON.stringify(scenes, null, 1));
