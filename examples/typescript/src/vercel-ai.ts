/**
 * Asks about a picture with the Vercel AI SDK, streamed.
 *
 *   cd examples/typescript && npm install
 *   FOVEA_API_KEY=$(cat ../../.fovea/api-key) npm run --silent vercel-ai -- [picture] [model] [question]
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';

const sample = fileURLToPath(new URL('../../shapes.png', import.meta.url));
const [picture = sample, model = 'shapes-vlm', question = 'Describe the following image.'] =
  process.argv.slice(2);

// biome-ignore lint/style/noProcessEnv: a whole program in one file.
const { FOVEA_URL = 'http://127.0.0.1:8080', FOVEA_API_KEY } = process.env;
if (FOVEA_API_KEY === undefined) throw new Error('FOVEA_API_KEY is not set');

const fovea = createOpenAICompatible({
  name: 'fovea',
  baseURL: `${FOVEA_URL}/v1`,
  apiKey: FOVEA_API_KEY,
  includeUsage: true,
});
const { textStream, usage } = streamText({
  model: fovea(model),
  temperature: 0,
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: question },
        { type: 'image', image: await readFile(picture) },
      ],
    },
  ],
});
for await (const piece of textStream) process.stdout.write(piece);
process.stdout.write(`\n(${(await usage).totalTokens} tokens)\n`);
