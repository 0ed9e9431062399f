import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Shim, startShim } from './compose.js';
import { readShimConfig } from './config/shim-variables.js';
import { ChatClient } from './testing/chat-client.js';
import { unseenQuestions } from './testing/unseen-answers.js';
import { drawUnseenPicture, type UnseenPicture } from './testing/unseen-pictures.js';

// Real weights over real HTTP, as in shapes-vlm.int.spec.ts. All 200 pictures: models/shapes-vlm/training/evaluate.mjs.
const folder = fileURLToPath(new URL('../../../models/shapes-vlm', import.meta.url));
const PICTURES = 20;
const SEED = 7;

describe('shapes-vlm on pictures drawn by another renderer than those of its training', () => {
  let shim: Shim;
  let client: ChatClient;
  let pictures: UnseenPicture[];
  beforeAll(async () => {
    const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `shapes-vlm=${folder}` });
    shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
    client = new ChatClient(shim.address);
    pictures = await Promise.all(Array.from({ length: PICTURES }, (_, at) => drawUnseenPicture(SEED, at)));
  });
  afterAll(() => shim?.close());

  it.each(unseenQuestions)('answers "$text" rightly, nine times in ten at least', async (question) => {
    const wrong: string[] = [];
    for (const { scene, mediaType, bytes } of pictures) {
      const url = `data:${mediaType};base64,${bytes.toString('base64')}`;
      const answer = await client.text(ChatClient.ask(question.text, url));
      if (!question.isRight(answer, scene)) wrong.push(`${answer} for ${JSON.stringify(scene)}`);
    }
    expect(wrong.slice(PICTURES / 10)).toEqual([]);
  });
});
