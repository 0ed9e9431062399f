/**
 * Sends a picture once and asks about it twice: what travels with each question is the name of the picture.
 *
 *   cd examples/typescript && npm install
 *   FOVEA_API_KEY=$(cat ../../.fovea/api-key) npm run --silent send-once -- [picture] [model]
 */
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

const sample = fileURLToPath(new URL('../../shapes.png', import.meta.url));
const [picture = sample, model = 'shapes-vlm'] = process.argv.slice(2);

// biome-ignore lint/style/noProcessEnv: a whole program in one file.
const { FOVEA_URL = 'http://127.0.0.1:8080', FOVEA_API_KEY } = process.env;
if (FOVEA_API_KEY === undefined) throw new Error('FOVEA_API_KEY is not set');

const client = new OpenAI({ baseURL: `${FOVEA_URL}/v1`, apiKey: FOVEA_API_KEY });

const file = await client.files.create({
  file: createReadStream(picture),
  purpose: 'vision',
  // Without it the file stays for a day.
  expires_after: { anchor: 'created_at', seconds: 3600 },
});
process.stdout.write(`sent ${file.bytes} bytes as ${file.id}\n`);

// The part is Fovea's own, so OpenAI's types do not know it.
const part = { type: 'image_file', image_file: { file_id: file.id } };
const stored = part as unknown as OpenAI.ChatCompletionContentPart;

for (const question of ['Describe the following image.', 'How many shapes are there?']) {
  const content = [stored, { type: 'text' as const, text: question }];
  const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
  process.stdout.write(`${question} ${answer.choices[0]?.message.content}\n`);
}

await client.files.delete(file.id);
