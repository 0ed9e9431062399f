import { parentPort, workerData } from 'node:worker_threads';
import type { Samples } from '../../../audio/sound.js';
import { SileroVad } from '../../../audio/vad/silero.js';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import { quietCut } from '../../whisper/recording/quiet-cut.js';
import { Recording } from '../../whisper/recording/recording.js';
import {
  SAMPLE_RATE,
  type SoundStep,
  type SoundStepAnswer,
  type SoundThreadSettings,
  WINDOW_SAMPLES,
} from './sound-protocol.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: SoundThreadSettings = workerData;

/** Ten minutes take 38 MB; longer recordings are decoded a second time while they are heard. */
const KEPT_SAMPLES = 600 * SAMPLE_RATE;
const FULL_SCALE = 32_768;

/** A recording of 16 bits becomes what it was. */
const toInt16 = (samples: Samples): Int16Array<ArrayBuffer> =>
  Int16Array.from(samples, (value) =>
    Math.min(FULL_SCALE - 1, Math.max(-FULL_SCALE, Math.round(value * FULL_SCALE))),
  );

// The decoders write what they do not like of a file to the console as well as into their answers.
console.error = () => undefined;

await serveCalls<SoundStep, SoundStepAnswer, undefined>(parentPort, async () => {
  const { ffmpeg, maxAudioS } = settings;
  const vad = settings.vad ? await SileroVad.open() : undefined;
  const length = { windowSamples: WINDOW_SAMPLES, keptSamples: KEPT_SAMPLES };
  const options = { ffmpeg, maxAudioS, sampleRate: SAMPLE_RATE, vad, ...length };
  const open = new Map<number, Recording>();
  const read = async (recording: Recording, { window, isCut }: SoundStep & { step: 'read' }) => {
    const samples = await recording.read(window);
    if (!isCut) return { heard: { samples: toInt16(samples), window } };
    const cut = quietCut(samples, SAMPLE_RATE);
    const start = window[0]?.start ?? 0;
    return { heard: { samples: toInt16(samples.slice(0, cut)), window: [{ start, end: start + cut }] } };
  };
  const answer = async (step: SoundStep): Promise<SoundStepAnswer> => {
    if (step.step === 'open') {
      open.set(step.recording, new Recording(step.audio, options));
      return {};
    }
    const recording = open.get(step.recording);
    if (step.step === 'forget') {
      recording?.close();
      open.delete(step.recording);
      return {};
    }
    if (recording === undefined) throw new Error(`Recording ${step.recording} is not open.`);
    if (step.step === 'read') return read(recording, step);
    const survey = await recording.survey();
    return survey === undefined ? {} : { survey };
  };
  return {
    facts: undefined,
    answer,
    transfer: ({ heard }) => (heard === undefined ? [] : [heard.samples.buffer]),
    close: async () => {
      for (const recording of open.values()) recording.close();
      await vad?.close();
    },
  };
});
