import { describe, expect, it } from '@jest/globals';
import { Tensor } from 'onnxruntime-node';
import { IncrementalText, type TokenBytes } from '../../../engine/text/token-text.js';
import type { TranscriptionPiece } from '../../transcription-model.js';
import { Transcription, type WhisperEngine } from './transcription.js';
import type { DecoderRun } from './whisper-graphs.js';

// Words 0 to 4 are the letters a to e; end 5, start 6, no speech 7, no times 8.
const NO_SPEECH = 7;
const bytes: TokenBytes = {
  size: 9,
  bytesOf: (id) => (id < 5 ? Uint8Array.of(97 + id) : undefined),
  isSpecial: (id) => id > 4,
  longest: 1,
};

/** Writes `ids` in every window, each as likely as `lead` over the others makes it. */
function engineThat(ids: readonly number[], lead: number, noSpeech: number): WhisperEngine {
  let at = 0;
  const runOf = (): DecoderRun => {
    const id = ids[at++] ?? 5;
    return {
      cache: {},
      // The first place of a prompt is that of the start token.
      logitsAt: (place) =>
        Float32Array.from({ length: 9 }, (_, token) => {
          if (token === NO_SPEECH && place === 0) return noSpeech;
          return token === id ? lead : 0;
        }),
    };
  };
  return {
    settings: {
      encoderFile: '',
      decoderFile: '',
      folder: '',
      tokens: {
        start: 6,
        end: 5,
        noTimestamps: 8,
        startOfPrevious: undefined,
        languages: new Map(),
        transcribe: undefined,
        suppressed: [6, 7, 8],
        suppressedFirst: [],
        maxInitialTimestamp: undefined,
      },
      features: { sampleRate: 10, frameSize: 4, hop: 2, windowSamples: 100, melBins: 2 },
      maxModelLen: 100,
      executionProviders: [],
      threads: 1,
      maxAudioS: 100,
    },
    graphs: {
      encode: async () => new Tensor('int32', [0], [1]),
      begin: async () => {
        at = 0;
        return runOf();
      },
      next: async () => runOf(),
    },
    features: { extract: () => new Float32Array() },
    text: {
      noSpeech: NO_SPEECH,
      encode: () => [],
      decode: () => '',
      incremental: () => new IncrementalText(bytes, true),
    },
  };
}

async function write(engine: WhisperEngine, samples: number): Promise<TranscriptionPiece[]> {
  const sound = { sampleRate: 10, samples: new Float32Array(samples) };
  const task = { language: undefined, prompt: '', timestamps: false, maxTokens: undefined };
  const transcription = new Transcription(engine, sound, task);
  const pieces: TranscriptionPiece[] = [];
  for (let isLast = false; !isLast; ) {
    const answer = await transcription.write();
    if (answer.piece !== undefined) pieces.push(answer.piece);
    isLast = answer.isLast;
  }
  return pieces;
}

const long = Array.from({ length: 20 }, (_, at) => at % 5);
const text = 'abcdeabcdeabcdeabcde';

describe('a transcription', () => {
  it('gives text as it is written, in steps, window after window', async () => {
    const pieces = await write(engineThat(long, 9, 0), 150);
    expect(pieces.map((piece) => piece.text)).toEqual([
      text.slice(0, 16),
      text.slice(16),
      text.slice(0, 16),
      text.slice(16),
    ]);
    expect(pieces.map(({ tokens }) => tokens)).toEqual([16, 4, 16, 4]);
    expect(pieces.map(({ windowEnd }) => windowEnd?.finishReason)).toEqual([
      undefined,
      'stop',
      undefined,
      'stop',
    ]);
    expect(pieces[0]).toMatchObject({ durationS: 15, language: 'en', promptTokens: 2 });
  });

  it('gives no text for a window where nobody seems to speak and the text is unlikely', async () => {
    const pieces = await write(engineThat(long, 0.5, 20), 90);
    expect(pieces.map((piece) => piece.text)).toEqual(['', '']);
    expect(pieces.at(-1)?.windowEnd).toEqual({ finishReason: 'stop', segments: [] });
  });

  it('gives it late where nobody seems to speak, but the text is likely', async () => {
    const pieces = await write(engineThat(long, 9, 20), 90);
    expect(pieces.map((piece) => piece.text)).toEqual(['', text]);
  });

  it('gives unlikely text where somebody speaks', async () => {
    expect((await write(engineThat(long, 0.5, 0), 90)).map((piece) => piece.text).join('')).toBe(text);
  });

  it('ends with the context', async () => {
    const pieces = await write(
      engineThat(
        Array.from({ length: 200 }, () => 1),
        9,
        0,
      ),
      90,
    );
    expect(pieces.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(98);
    expect(pieces.at(-1)?.windowEnd?.finishReason).toBe('length');
  });
});
