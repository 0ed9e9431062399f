import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { describeIf, transformersJs, transformersJsUrl, writeWhisperFolder } from '@fovea/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { z } from 'zod';
import { chirp, makeWav } from '../audio/testing/make-wav.js';
import { type Shim, startShim } from '../compose.js';
import { readShimConfig } from '../config/shim-variables.js';
import { LogMel } from '../models/whisper/features/log-mel.js';

// What this server hears in one window against transformers.js, from the same files. The thread runs from dist: build before.

const script = fileURLToPath(new URL('whisper-oracle.mjs', import.meta.url));
const oracleSchema = z.object({ features: z.string(), text: z.string(), timed: z.array(z.number()) });
const answerSchema = z.object({
  text: z.string(),
  segments: z.array(z.object({ start: z.number(), end: z.number(), tokens: z.array(z.number()) })).optional(),
});

async function askOracle(folder: string, samples: Float32Array) {
  const child = spawn(process.execPath, [script, transformersJsUrl, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  return oracleSchema.parse(JSON.parse(await text(child.stdout)));
}

describeIf(transformersJs, 'Whisper against transformers.js', () => {
  let folder: string;
  let shim: Shim;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-whisper-parity-'));
  });
  afterEach(async () => {
    await shim.close();
    await rm(folder, { recursive: true });
  });

  const transcribe = async (samples: Float32Array, fields: Record<string, string>) => {
    const form = new FormData();
    form.set('file', new Blob([makeWav(samples, { bits: 32, isFloat: true })]), 'a.wav');
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const response = await fetch(`${shim.address}/v1/audio/transcriptions`, { method: 'POST', body: form });
    return answerSchema.parse(await response.json());
  };

  it.each([
    { melBins: 80, seed: 1, count: 64_000 },
    { melBins: 80, seed: 2, count: 50_001 },
    { melBins: 128, seed: 3, count: 12_345 },
    { melBins: 128, seed: 4, count: 63_900 },
  ])(
    'hears features within 1e-5 and writes the same tokens: $melBins bins, $count samples',
    async ({ melBins, seed, count }) => {
      const { timestampBegin, eosTokenId, windowSamples } = await writeWhisperFolder(folder, {
        melBins,
        seed,
      });
      const own = { SHIM_MODELS: `ears=${folder}`, SHIM_PORT: '0', SHIM_THREADS: '1' };
      // Nothing that a random model writes is likely.
      const config = readShimConfig({ ...own, SHIM_SPEECH_FALLBACK: 'false' });
      shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '0');
      const samples = chirp(count);
      const oracle = await askOracle(folder, samples);
      const bytes = Buffer.from(oracle.features, 'base64');
      const heard = new LogMel({
        sampleRate: 16_000,
        frameSize: 400,
        hop: 160,
        windowSamples,
        melBins,
      }).extract(samples);
      expect(heard).toHaveLength(bytes.length / 4);
      expect(Math.max(...heard.map((value, at) => Math.abs(value - bytes.readFloatLE(at * 4))))).toBeLessThan(
        1e-5,
      );
      // Others join and leave beside them: other sounds, prompts of other lengths, several windows.
      const others = Array.from({ length: 6 }, (_, at) =>
        transcribe(chirp(9_000 + at * 23_456), { language: 'fr', prompt: 'word '.repeat(at) }),
      );
      const [plain, timed] = await Promise.all([
        transcribe(samples, { language: 'en' }),
        transcribe(samples, { language: 'de', response_format: 'verbose_json' }),
        ...others,
      ]);
      // Its text shows times that a random model writes unasked.
      expect(plain.text).toBe(oracle.text.replaceAll(/<\|[\d.]+\|>/g, ''));
      const words = oracle.timed.filter((id) => id < timestampBegin && id !== eosTokenId);
      expect(words.length).toBeGreaterThan(0);
      expect(timed.segments?.flatMap(({ tokens }) => tokens)).toEqual(words);
    },
    60_000,
  );
});
