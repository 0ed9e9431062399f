import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { makeWav } from './audio/testing/make-wav.js';
import { type Shim, startShim } from './compose.js';
import { readShimConfig } from './config/shim-variables.js';

// Real weights over real HTTP. The HTTP side runs from source, the threads from dist: build before. All 250 sentences:
// models/commands-asr/training/evaluate.mjs.
const folder = fileURLToPath(new URL('../../../models/commands-asr', import.meta.url));

const answerSchema = z.object({
  text: z.string(),
  segments: z.array(z.object({ start: z.number(), end: z.number(), text: z.string() })).default([]),
});

describe('commands-asr', () => {
  let shim: Shim;
  beforeAll(async () => {
    const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `commands-asr=${folder}` });
    shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  });
  afterAll(() => shim?.close());

  const sample = (file: string) => readFile(join(folder, 'samples', file));

  async function transcribe(audio: Uint8Array<ArrayBuffer>, format: 'json' | 'verbose_json') {
    const form = new FormData();
    form.set('file', new Blob([audio]), 'sound.wav');
    form.set('response_format', format);
    const response = await fetch(`${shim.address}/v1/audio/transcriptions`, { method: 'POST', body: form });
    return answerSchema.parse(await response.json());
  }

  // None of the sentences was learnt from. `light.wav` has 8 kHz, the others 16.
  it.each([
    ['light.wav', 'turn on the green light'],
    ['music.wav', 'play the music'],
    ['colors.wav', 'black red'],
  ])('writes down %s: "%s"', async (file, text) => {
    expect((await transcribe(await sample(file), 'json')).text.trim()).toBe(text);
  });

  it('tells when a sentence begins and ends', async () => {
    const { segments } = await transcribe(await sample('light.wav'), 'verbose_json');
    expect(segments).toHaveLength(1);
    // What `flite -psdur` tells of it.
    expect(Math.abs((segments[0]?.start ?? 0) - 0.22)).toBeLessThan(0.15);
    expect(Math.abs((segments[0]?.end ?? 0) - 1.22)).toBeLessThan(0.15);
  });

  it('hears nothing in silence', async () => {
    const silence = makeWav(new Float32Array(32_000));
    expect(await transcribe(silence, 'verbose_json')).toEqual({ text: '', segments: [] });
  });
});
