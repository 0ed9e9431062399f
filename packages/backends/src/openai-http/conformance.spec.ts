import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Behaviour, startFakeVllm } from '@fovea/fake-vllm';
import { z } from 'zod';
import { type BackendHarness, describeBackend, type EngineScript } from '../conformance.js';
import { createOpenAiHttpBackend } from '../openai-http.js';

const refusals: Record<
  Extract<EngineScript, { kind: 'refuse' }>['because'],
  { status: number; message: string }
> = {
  image: {
    status: 400,
    message: 'Failed to load image: cannot identify image file <_io.BytesIO object at 0x7f00deadbeef>',
  },
  context: { status: 400, message: "This model's maximum context length is 8192 tokens." },
  busy: { status: 503, message: 'The engine queue is full.' },
  broken: { status: 500, message: 'RuntimeError at http://127.0.0.1:8000/x in /usr/lib/python3/site.py' },
  dead: {
    status: 500,
    message: 'EngineCore encountered an issue. See stack trace (above) for the root cause.',
  },
};

function toBehaviour(script: EngineScript): Behaviour {
  switch (script.kind) {
    case 'answer': {
      const { pieces, finishReason, finishWithText, reasoning, toolCalls } = script;
      return {
        tokens: [...pieces],
        finishReason,
        finishWithText,
        reasoning,
        toolCalls: toolCalls === undefined ? undefined : [...toolCalls],
      };
    }
    case 'refuse':
      return { fault: { kind: 'status', ...refusals[script.because] } };
    case 'break-off':
      return { tokens: [...script.pieces, '!'], fault: { kind: 'crash', afterTokens: script.pieces.length } };
    case 'no-finish':
      return { tokens: [...script.pieces], fault: { kind: 'missing-finish' } };
    case 'hang':
      return { tokens: [...script.pieces, '!'], fault: { kind: 'hang', afterTokens: script.pieces.length } };
  }
}

const seenParameters = z.object({
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
});

describeBackend('openai-http', async (): Promise<BackendHarness> => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-media-'));
  const fake = await startFakeVllm({ apiKey: 'engine-key', allowedLocalMediaPath: folder });
  return {
    backend: createOpenAiHttpBackend({ baseUrl: fake.url, apiKey: 'engine-key' }),
    model: fake.model,
    maxModelLen: 8192,
    secrets: [`${fake.port}`, '127.0.0.1', 'localhost', 'engine-key', '0x', '/usr', folder],
    script: (script) => fake.script({ behaviour: toBehaviour(script) }),
    seenRequests: () => fake.requests.length,
    lastSeen() {
      const seen = fake.requests.at(-1);
      const { tools } = seenParameters.parse(seen?.parameters ?? {});
      return {
        images: seen?.images ?? [],
        cacheSalt: seen?.cacheSalt,
        tools: tools.map((tool) => tool.function.name),
      };
    },
    async placeFile(bytes) {
      const path = join(folder, createHash('sha256').update(bytes).digest('hex'));
      await writeFile(path, bytes);
      return pathToFileURL(path).href;
    },
    untilAborted: async (count) => void (await fake.waitFor('aborted', { count })),
    untilRunning: async () => void (await fake.waitFor('running')),
    setHealth(health) {
      fake.setHealthy(health === 'silent' ? { gate: 'health' } : health === 'well');
    },
    showLoad: ({ running, waiting, kvCacheUsage }) =>
      fake.showGauges({ running, waiting, kvUsage: kvCacheUsage }),
    async stop() {
      await fake.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
