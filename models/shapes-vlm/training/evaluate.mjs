/**
 * Asks the running server about pictures of the other renderer, and prints how much was right. Build before.
 *
 *     node evaluate.mjs [COUNT] [SEED] [MODEL_FOLDER]
 */
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { startShim } from '../../../apps/gpu-worker-shim/dist/compose.js';
import { readShimConfig } from '../../../apps/gpu-worker-shim/dist/config/shim-variables.js';
import { ChatClient } from '../../../apps/gpu-worker-shim/dist/testing/chat-client.js';
import { unseenQuestions } from '../../../apps/gpu-worker-shim/dist/testing/unseen-answers.js';
import { drawUnseenPicture } from '../../../apps/gpu-worker-shim/dist/testing/unseen-pictures.js';

const [count = '200', seed = '2028', folder = fileURLToPath(new URL('..', import.meta.url))] =
  process.argv.slice(2);

const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `shapes-vlm=${folder}` });
const shim = await startShim(config, createLogger({ service: 'evaluate', level: 'warn' }), '0.0.0');
const client = new ChatClient(shim.address);

/** Right answers and pictures, by question and by how many shapes there are. */
const tally = new Map(
  unseenQuestions.map(({ name }) => [name, [1, 2, 3].map(() => ({ right: 0, asked: 0 }))]),
);
const wrong = [];
for (let index = 0; index < Number(count); index += 1) {
  const { scene, mediaType, bytes } = await drawUnseenPicture(Number(seed), index);
  const url = `data:${mediaType};base64,${bytes.toString('base64')}`;
  for (const question of unseenQuestions) {
    const answer = await client.text(ChatClient.ask(question.text, url));
    const cell = tally.get(question.name)[scene.shapes.length - 1];
    cell.asked += 1;
    if (question.isRight(answer, scene)) cell.right += 1;
    else wrong.push({ index, question: question.name, answer, shapes: scene.shapes, on: scene.background });
  }
}
await shim.close();

for (const { index, question, answer, shapes, on } of wrong) {
  const truth = shapes.map(({ color, kind, half }) => `${color} ${kind} (${half.toFixed(2)})`).join(', ');
  console.log(`#${index} ${question}: "${answer}" for ${truth} on ${on}`);
}
const share = ({ right, asked }) => `${right}/${asked} (${((100 * right) / asked).toFixed(1)} %)`;
console.log('| question | one shape | two | three | all |\n| --- | --- | --- | --- | --- |');
for (const [name, cells] of tally) {
  const all = { right: 0, asked: 0 };
  for (const cell of cells) {
    all.right += cell.right;
    all.asked += cell.asked;
  }
  console.log(`| ${name} | ${[...cells, all].map(share).join(' | ')} |`);
}
