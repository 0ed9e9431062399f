/**
 * Asks about a picture with OpenAI's SDK, streamed.
 *
 *   cd examples/typescript && npm install
 *   FOVEA_API_KEY=$(cat ../../.fovea/api-key) npm run --silent ask -- [picture] [model] [question]
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

const sample = fileURLToPath(new URL('../../sample.png', import.meta.url));
const [picture = sample, model = 'ocr', question = 'What does it say?'] = process.argv.slice(2);

// biome-ignore lint/style/noProcessEnv: a whole program in one file.
const { FOVEA_URL = 'http://127.0.0.1:8080', FOVEA_API_KEY } = process.env;
if (FOVEA_API_KEY === undefined) throw new Error('FOVEA_API_KEY is not set');

const client = new OpenAI({ baseURL: `${FOVEA_URL}/v1`, apiKey: FOVEA_API_KEY });
const base64 = (await readFile(picture)).toString('base64');

const stream = await client.chat.completions.create({
  model,
  temperature: 0,
  stream: true,
  messages: [
    {
      role: 'user',
      content: [
        // The gateway looks at the bytes, so the declared type is right for JPEG, WebP and GIF, too.
        { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
        { type: 'text', text: question },
      ],
    },
  ],
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
process.stdout.write('\n');
