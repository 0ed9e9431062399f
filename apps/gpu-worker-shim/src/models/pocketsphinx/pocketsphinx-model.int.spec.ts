import { readdir, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { describeIf, pocketSphinx, spokenFolder } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import { makeWav } from '../../audio/testing/make-wav.js';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';
import {
  readCards,
  readCommands,
  readSentences,
  type SpokenSample,
  wordErrors,
} from './testing/spoken-samples.js';

// The real program on human speech over real HTTP. The HTTP side runs from source, the thread from dist: build before.
const models = fileURLToPath(new URL('../../../../../models/ocr', import.meta.url));

const answerSchema = z.object({
  text: z.string(),
  language: z.string().optional(),
  duration: z.string().optional(),
  segments: z
    .array(z.object({ start: z.number(), end: z.number(), text: z.string(), no_speech_prob: z.null() }))
    .default([]),
});

/** Children of this process that hear. */
async function decoders(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.flatMap((stat) => {
    // `pid (name) state parent …`; the kernel keeps 15 characters of a name.
    const [, pid, parent] = /^(\d+) \(pocketsphinx_co\) [^Z] (\d+) /.exec(stat) ?? [];
    return Number(parent) === process.pid ? [Number(pid)] : [];
  });
}

async function untilDecoders(count: number): Promise<number[]> {
  // A loop without an end would outlive the test that it fails.
  const deadline = AbortSignal.timeout(100_000);
  for (;;) {
    const pids = await decoders();
    if (pids.length === count) return pids;
    deadline.throwIfAborted();
    await setTimeout(10);
  }
}

describeIf(pocketSphinx, 'PocketSphinx', () => {
  let shim: Shim;
  let sentences: SpokenSample[];
  let commands: SpokenSample[];
  beforeAll(async () => {
    const config = readShimConfig({
      SHIM_PORT: '0',
      SHIM_MODELS: models,
      SHIM_POCKETSPHINX: '/usr/bin/pocketsphinx_continuous',
      SHIM_THREADS: '2',
    });
    shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
    [sentences, commands] = await Promise.all([readSentences(spokenFolder), readCommands(spokenFolder)]);
  });
  afterAll(() => shim?.close());

  function post(audio: Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}, signal?: AbortSignal) {
    const form = new FormData();
    form.set('file', new Blob([audio]), 'sound');
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const init = { method: 'POST', body: form, ...(signal && { signal }) };
    return fetch(`${shim.address}/v1/audio/transcriptions`, init);
  }
  async function transcribe(audio: Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}) {
    const response = await post(audio, fields);
    const body: unknown = await response.json();
    expect([response.status, body]).toEqual([200, expect.anything()]);
    return answerSchema.parse(body);
  }
  async function errors(samples: readonly SpokenSample[]): Promise<number> {
    const texts = await Promise.all(samples.map(async ({ audio }) => (await transcribe(audio)).text));
    const wrong = samples.map(({ words }, at) => wordErrors(words, (texts[at] ?? '').split(' ')));
    const all = samples.reduce((sum, { words }) => sum + words.length, 0);
    return wrong.reduce((sum, count) => sum + count, 0) / all;
  }

  it('is listed behind the models of SHIM_MODELS', async () => {
    const list: unknown = await (await fetch(`${shim.address}/v1/models`)).json();
    expect(list).toMatchObject({ data: [{ id: 'ocr' }, { id: 'pocketsphinx-en-us' }] });
  });

  it('writes down human speech, ten recordings at once: of five sentences and five lists of cards, about two words of three', async () => {
    const [ofSentences, ofCards] = await Promise.all([
      errors(sentences),
      errors(await readCards(spokenFolder)),
    ]);
    // 26 of 71 words, and 10 of 21, by the program itself.
    expect(ofSentences).toBeLessThan(0.42);
    expect(ofCards).toBeLessThan(0.55);
    expect(await untilDecoders(0)).toEqual([]);
  }, 400_000);

  it('writes down a command and digits without an error; prompt and temperature change nothing', async () => {
    const fields = { prompt: 'Stop.', temperature: '1', language: 'en', model: 'pocketsphinx-en-us' };
    const texts = await Promise.all(commands.map(({ audio }) => transcribe(audio, fields)));
    expect(texts.map(({ text }) => text)).toEqual(commands.map(({ words }) => words.join(' ')));
  }, 120_000);

  it('cuts a long recording at silence and tells the times of the whole', async () => {
    const [first, second] = commands.map(({ audio }) => new Int16Array(audio.buffer, 44));
    const silenceS = 40;
    const all = [...(first ?? []), ...new Array<number>(silenceS * 16_000).fill(0), ...(second ?? [])];
    const wav = makeWav(Float32Array.from(all, (value) => value / 32_768));
    const { text, duration, language, segments } = await transcribe(wav, { response_format: 'verbose_json' });
    expect(text).toBe('go forward ten meters two nine three four zero');
    expect([language, Number(duration)]).toEqual(['en', all.length / 16_000]);
    const behindS = (first?.length ?? 0) / 16_000 + silenceS;
    expect(segments).toMatchObject([
      { text: 'go forward ten meters', start: expect.closeTo(0.46, 0), end: expect.closeTo(2.1, 0) },
      { text: 'two nine three four zero' },
    ]);
    expect(segments[1]?.start).toBeGreaterThan(behindS);
    expect(segments[1]?.end).toBeLessThanOrEqual(Number(duration));
  }, 120_000);

  it('hears what our decoders decode, and nothing in silence or in next to nothing', async () => {
    const tone = await readFile(new URL('../../audio/testing/tones/opus.ogg', import.meta.url));
    expect((await post(new Uint8Array(tone))).status).toBe(200);
    for (const length of [1, 300, 16_000]) {
      expect(await transcribe(makeWav(new Float32Array(length)))).toEqual({ text: '', segments: [] });
    }
  }, 120_000);

  it('streams and counts words as tokens', async () => {
    const counted = async () =>
      Number(
        /vllm:generation_tokens_total\{.*pocketsphinx.*\} (\d+)/.exec(
          await (await fetch(`${shim.address}/metrics`)).text(),
        )?.[1] ?? 0,
      );
    const before = await counted();
    const response = await post(commands[0]!.audio, { stream: 'true' });
    expect(await response.text()).toContain(
      '"delta":{"content":"go forward ten meters"},"finish_reason":"stop"',
    );
    expect(await counted()).toBe(before + 4);
  }, 120_000);

  it('refuses other languages and what is no recording', async () => {
    const german = await post(commands[0]!.audio, { language: 'de' });
    expect(german.status).toBe(400);
    expect(await german.json()).toMatchObject({
      error: { param: 'language', message: "Unsupported language: 'de'. Language must be one of en." },
    });
    expect((await post(Uint8Array.of(1, 2, 3))).status).toBe(400);
    const cut = await post(commands[0]!.audio.slice(0, 9_000));
    expect(cut.status).toBe(400);
  });

  it('leaves no process behind when the client leaves in the middle', async () => {
    const abort = new AbortController();
    const left = post(sentences[0]!.audio, {}, abort.signal);
    left.catch(() => undefined);
    await untilDecoders(1);
    abort.abort();
    await expect(left).rejects.toThrow();
    expect(await untilDecoders(0)).toEqual([]);
    expect((await transcribe(commands[0]!.audio)).text).toBe('go forward ten meters');
  }, 120_000);

  it('fails one request when its process crashes, and no other', async () => {
    const crashed = post(sentences[0]!.audio);
    const [pid] = await untilDecoders(1);
    const beside = transcribe(commands[0]!.audio);
    process.kill(pid ?? Number.NaN, 'SIGSEGV');
    const response = await crashed;
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { message: 'Internal server error' } });
    expect((await beside).text).toBe('go forward ten meters');
    expect((await fetch(`${shim.address}/health`)).status).toBe(200);
  }, 120_000);
});
