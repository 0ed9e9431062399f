import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type WhisperFolderOptions, writeWhisperFolder } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { chirp, makeWav } from '../../audio/testing/make-wav.js';
import type { SpeechRuntime } from '../model-family.js';
import type { TranscriptionModel, TranscriptionPiece, TranscriptionRequest } from '../transcription-model.js';
import { whisperFamily } from './whisper-family.js';

// The thread runs compiled code: build before.
const runtime = {
  executionProviders: ['cpu'],
  dtypes: [],
  threads: 1,
  replicas: 1,
  maxRunning: 4,
  maxWaiting: 4,
  kvCacheBytes: 2 ** 26,
  prefixCacheBytes: 0,
  imageCacheBytes: 0,
  speech: { maxAudioS: 3600, vad: false, ffmpeg: 'none', retriesDoubtful: false },
};

let root: string;
/** The model of most tests. */
let plain: TranscriptionModel;
let folders = 0;
let open: TranscriptionModel[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-whisper-'));
  plain = await make({}, {});
});
afterEach(async () => {
  await Promise.all(open.map((model) => model.close()));
  open = [];
});
afterAll(async () => {
  await plain?.close();
  await rm(root, { recursive: true });
});

async function make(
  options: WhisperFolderOptions,
  speech: Partial<SpeechRuntime>,
): Promise<TranscriptionModel> {
  folders += 1;
  const { folder } = await writeWhisperFolder(join(root, `model-${folders}`), options);
  return whisperFamily.load(
    { name: 'ears', folder, modelType: 'whisper' },
    { ...runtime, speech: { ...runtime.speech, ...speech } },
  );
}

/** One for a single test. */
async function load(
  options: WhisperFolderOptions,
  speech: Partial<SpeechRuntime> = {},
): Promise<TranscriptionModel> {
  const model = await make(options, speech);
  open.push(model);
  return model;
}

/** Three windows of four seconds. */
const wav = () => makeWav(chirp(160_000));

async function transcribe(
  model: TranscriptionModel,
  request: Partial<TranscriptionRequest> = {},
  signal = new AbortController().signal,
): Promise<TranscriptionPiece[]> {
  const pieces: TranscriptionPiece[] = [];
  const sampling = { temperature: 0 };
  const whole = { audio: wav(), prompt: '', timestamps: false, sampling, retriesDoubtful: true, ...request };
  for await (const piece of model.transcribe(whole, signal)) pieces.push(piece);
  return pieces;
}
const textOf = (pieces: readonly TranscriptionPiece[]) => pieces.map(({ text }) => text).join('');
const segmentsOf = (pieces: readonly TranscriptionPiece[]) =>
  pieces.flatMap(({ windowEnd }) => windowEnd?.segments ?? []);

describe('a Whisper model', () => {
  it('writes down window after window, the same alone and beside others', async () => {
    const alone = await transcribe(plain, { language: 'en' });
    expect(alone.filter(({ windowEnd }) => windowEnd !== undefined)).toHaveLength(3);
    expect(textOf(alone).length).toBeGreaterThan(3);
    expect(alone.every(({ durationS }) => durationS === 10)).toBe(true);
    const tokens = alone.reduce((sum, piece) => sum + piece.tokens, 0);
    expect(tokens).toBeGreaterThan(3);
    // Start, language, task, no times.
    expect(alone.reduce((sum, { promptTokens }) => sum + promptTokens, 0)).toBe(3 * 4);
    const short = makeWav(chirp(30_000));
    const together = await Promise.all([
      transcribe(plain, { language: 'en' }),
      transcribe(plain, { language: 'de', audio: short }),
      transcribe(plain, { language: 'en' }),
    ]);
    expect(textOf(together[0])).toBe(textOf(alone));
    expect(textOf(together[2])).toBe(textOf(alone));
    expect(plain.load()).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0 });
  });

  it('hears the same in another sample rate and number of channels', async () => {
    const sound = chirp(30_000);
    const stereo = makeWav(sound, { channels: 2, bits: 32, isFloat: true });
    const own = await transcribe(plain, {
      language: 'en',
      audio: makeWav(sound, { bits: 32, isFloat: true }),
    });
    expect(textOf(await transcribe(plain, { language: 'en', audio: stereo }))).toBe(textOf(own));
  });

  it('tells times within the file when asked, in order within a window', async () => {
    const pieces = await transcribe(plain, { language: 'en', timestamps: true });
    const segments = segmentsOf(pieces);
    expect(segments.length).toBeGreaterThan(2);
    expect(segments.map(({ text }) => text).join('').length).toBeGreaterThan(0);
    for (const { start, end, windowStart, tokens, avgLogprob, noSpeechProb } of segments) {
      expect(start).toBeGreaterThanOrEqual(windowStart);
      expect(end).toBeGreaterThanOrEqual(start);
      expect(end).toBeLessThanOrEqual(10);
      expect(tokens.length).toBeGreaterThan(0);
      expect(avgLogprob).toBeLessThan(0);
      expect(noSpeechProb).toBeLessThan(0.6);
    }
    // A window begins where the last finished segment ended, so there may be more of them.
    expect(new Set(segments.map(({ windowStart }) => windowStart)).size).toBeGreaterThanOrEqual(3);
  });

  it('cuts a long recording at silence, and tells the times of the recording', async () => {
    const file = new URL('../../audio/testing/two-sentences.ogg', import.meta.url);
    const audio = async () => new Uint8Array(await readFile(file));
    const model = await load({}, { vad: true });
    const pieces = await transcribe(model, { language: 'en', timestamps: true, audio: await audio() });
    const segments = segmentsOf(pieces);
    const { durationS } = pieces[0]!;
    // The first sentence ends at 2.7 s, the second begins at 5.8 s; what is heard is a little longer.
    const starts = [...new Set(segments.map(({ windowStart }) => windowStart))];
    expect(starts[0]).toBeLessThan(0.3);
    expect(starts.every((start) => start < 3.2 || start > 5)).toBe(true);
    expect(starts.some((start) => start > 5)).toBe(true);
    for (const { start, end } of segments) {
      expect(end).toBeGreaterThanOrEqual(start);
      expect(end).toBeLessThanOrEqual(durationS);
    }
  });

  it('says nothing where nobody speaks', async () => {
    const model = await load({}, { vad: true });
    const audio = makeWav(new Float32Array(160_000));
    expect(await transcribe(model, { audio, timestamps: true })).toEqual([
      {
        ...{ text: '', tokens: 0, promptTokens: 0, language: 'en', durationS: 10 },
        windowEnd: { finishReason: 'stop', segments: [] },
      },
    ]);
  });

  it('hears every format that needs no program', async () => {
    const tone = async (name: string) => {
      const file = new URL(`../../audio/testing/tones/${name}`, import.meta.url);
      return new Uint8Array(await readFile(file));
    };
    for (const name of ['mp3.mp3', 'flac.flac', 'flac.ogg', 'opus.ogg', 'vorbis.ogg', 'opus.webm']) {
      const pieces = await transcribe(plain, { language: 'en', audio: await tone(name) });
      expect(pieces[0]?.durationS).toBeCloseTo(0.6, 0);
    }
    const refusal = { code: 'INVALID_AUDIO', message: expect.stringContaining('needs ffmpeg') };
    await expect(transcribe(plain, { audio: await tone('m4a.m4a') })).rejects.toMatchObject(refusal);
  });

  it('writes doubtful windows again, the same each time', async () => {
    const model = await load({}, { retriesDoubtful: true });
    const first = await transcribe(model, { language: 'en', timestamps: true });
    expect(segmentsOf(first).some(({ temperature }) => temperature > 0)).toBe(true);
    expect(await transcribe(model, { language: 'en', timestamps: true })).toEqual(first);
  });

  it('finds out the language, and takes what it found', async () => {
    const found = await transcribe(plain);
    const { language } = found[0]!;
    expect(['en', 'de', 'fr']).toContain(language);
    expect(textOf(await transcribe(plain, { language }))).toBe(textOf(found));
  });

  it('knows no other languages than the model', async () => {
    const refusal = { code: 'INVALID_REQUEST', param: 'language' };
    await expect(transcribe(plain, { language: 'xx' })).rejects.toMatchObject(refusal);
    const english = await load({ isMultilingual: false });
    await expect(transcribe(english, { language: 'de' })).rejects.toMatchObject(refusal);
    const pieces = await transcribe(english, { language: 'en' });
    expect(pieces[0]).toMatchObject({ language: 'en', promptTokens: 2 });
  });

  it('takes a prompt, of which the end counts and no token can be typed', async () => {
    const tokens = async (prompt: string) =>
      (await transcribe(plain, { language: 'en', prompt, audio: makeWav(chirp(9000)) }))[0]?.promptTokens ??
      0;
    expect(await tokens(' ')).toBe(4);
    expect(await tokens('a b')).toBeGreaterThan(4);
    expect(await tokens('<|endoftext|>')).toBeGreaterThan(4 + 2);
    expect(await tokens('word '.repeat(500))).toBe(4 + 50);
    await expect(transcribe(plain, { prompt: 'x'.repeat(20_001) })).rejects.toMatchObject({
      param: 'prompt',
    });
  });

  it('stops at the number of tokens that was asked for', async () => {
    const pieces = await transcribe(plain, {
      language: 'en',
      maxTokens: 1,
      audio: makeWav(chirp(9000)),
    });
    expect(pieces).toMatchObject([{ tokens: 1, windowEnd: { finishReason: 'length' } }]);
  });

  it('reads features of 128 bins', async () => {
    expect((await transcribe(await load({ melBins: 128 }))).length).toBeGreaterThan(2);
  });
});

describe('a Whisper model', () => {
  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ['nothing', new Uint8Array()],
    ['no samples', makeWav([])],
    ['what is no audio', new TextEncoder().encode('This is a text. '.repeat(100))],
    ['a header only', makeWav(chirp(10)).slice(0, 30)],
    ['an hour and a bit', makeWav(new Uint8Array(3_700_000), { sampleRate: 1000, bits: 8 })],
  ])('refuses %s, and goes on for others', async (_what, audio) => {
    const good = transcribe(plain, { language: 'en', audio: makeWav(chirp(9000)) });
    await expect(transcribe(plain, { audio })).rejects.toMatchObject({
      code: 'INVALID_AUDIO',
      param: 'file',
    });
    expect((await good).length).toBeGreaterThan(0);
    expect(plain.isHealthy).toBe(true);
  });

  it('lets go of an hour of silence when its sender leaves, and others need not wait for it', async () => {
    const leaving = new AbortController();
    const samples = 3600 * 16_000;
    const header = makeWav([], { bits: 8, claimedBytes: samples });
    const hour = new Uint8Array(header.length + samples).fill(128);
    hour.set(header);
    const sampling = { temperature: 0 };
    const request = {
      ...{ audio: hour, prompt: '', timestamps: false, language: 'en' },
      ...{ sampling, retriesDoubtful: false },
    };
    const pieces = plain.transcribe(request, leaving.signal)[Symbol.asyncIterator]();
    expect((await pieces.next()).value).toMatchObject({ durationS: 3600 });
    expect(plain.load().running).toBe(1);
    const other = await transcribe(plain, { language: 'en', audio: makeWav(chirp(9000)) });
    expect(other.at(-1)?.windowEnd).toBeDefined();
    leaving.abort(new Error('gone'));
    const drain = async () => {
      for (let next = await pieces.next(); next.done !== true; ) next = await pieces.next();
    };
    await expect(drain()).rejects.toThrow('gone');
    expect(plain.load()).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0 });
  });

  it('refuses more requests than may run and wait', async () => {
    const audio = () => makeWav(chirp(9000));
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => transcribe(plain, { language: 'en', audio: audio() })),
    );
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toEqual([
      expect.objectContaining({ code: 'QUEUE_FULL' }),
      expect.objectContaining({ code: 'QUEUE_FULL' }),
    ]);
  });

  it('refuses a folder that it cannot run, with the file and the reason', async () => {
    const refused = async (name: string, change: (folder: string) => Promise<void>) => {
      const { folder } = await writeWhisperFolder(join(root, name));
      await change(folder);
      return whisperFamily.load({ name, folder, modelType: 'whisper' }, runtime).then(
        () => 'loaded',
        (error: Error) => error.message,
      );
    };
    const without = (file: string) => (folder: string) => rm(join(folder, file));
    expect(await refused('a', without('onnx/encoder_model.onnx'))).toContain(
      'encoder_model.onnx: the file is missing',
    );
    expect(await refused('b', without('generation_config.json'))).toContain(
      'generation_config.json: the file is missing',
    );
    expect(await refused('c', without('tokenizer.json'))).toContain('tokenizer.json: the file is missing');
    const broken = (file: string) => (folder: string) => writeFile(join(folder, file), '{}');
    expect(await refused('d', broken('preprocessor_config.json'))).toContain('feature_extractor_type');
    expect(await refused('e', broken('onnx/decoder_model_merged.onnx'))).toContain(
      'decoder_model_merged.onnx',
    );
    const odd = { generation: { is_multilingual: true, lang_to_id: null } };
    expect(await refused('f', async (folder) => void (await writeWhisperFolder(folder, odd)))).toContain(
      'is_multilingual without lang_to_id',
    );
  });
});
