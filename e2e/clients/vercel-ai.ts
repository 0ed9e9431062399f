import { beforeAll, describe, expect, it } from '@jest/globals';
import { runNode, type Told } from './run-client.js';
import type { ClientWorld } from './world.js';

/** In a process of its own: the SDK's packages have an export condition `source`, by which Jest would load TypeScript. */
const script = 'e2e/dist/clients/vercel-ai-run.js';

/** Asks the latecomer, as often as the client tries on its own. */
export const vercelAiComesAgain = async (world: ClientWorld): Promise<unknown> =>
  (await runNode(world, script, 'come-again')).text;

const green = expect.stringMatching(/green/i);

export function vercelAiSuite(world: () => ClientWorld): void {
  describe('the Vercel AI SDK', () => {
    let told: Told;
    beforeAll(async () => {
      told = await runNode(world(), script);
    }, 120_000);

    it('the Vercel AI SDK chats', () =>
      expect(told.chat).toEqual({ text: expect.stringMatching(/./), finish: 'stop' }));
    it('the Vercel AI SDK chats about a picture', () => expect(told.images).toEqual(green));
    it('the Vercel AI SDK streams, with usage', () => {
      expect(told.usage_in_stream).toMatchObject({ text: green, usage: expect.any(Number) });
      expect((told.usage_in_stream as { pieces: number }).pieces).toBeGreaterThan(3);
    });
    it('the Vercel AI SDK calls tools', () =>
      expect(told.tools).toEqual([{ toolName: 'get_weather', input: { city: 'Oslo' } }]));
    it('the Vercel AI SDK gets JSON of a schema', () =>
      expect(told.json_schema).toEqual({ city: expect.stringMatching(/^(?:Rome|Oslo)$/) }));
    it('the Vercel AI SDK gets vectors', () => expect(told.embeddings).toEqual([256, 256]));
    it('the Vercel AI SDK completes raw prompts, whole and as a stream', () => {
      const { pieces, whole } = told.completion as { pieces: string[]; whole: string };
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join('')).toBe(whole);
    });
    it('the Vercel AI SDK maps errors', () =>
      expect(told.errors).toEqual({
        status: 404,
        message: expect.stringContaining('no-such-model'),
        isRetryable: false,
      }));
    it('the Vercel AI SDK can be nice', () => expect(told.nice).toBe('stop'));
  });
}
