import { parentPort, workerData } from 'node:worker_threads';
import { SileroVad, VAD_SAMPLE_RATE } from '../../../audio/vad/silero.js';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import { LogMel } from '../features/log-mel.js';
import { quietCut } from './quiet-cut.js';
import { Recording } from './recording.js';
import type { RecordingStep, RecordingStepAnswer, RecordingThreadSettings } from './recording-protocol.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: RecordingThreadSettings = workerData;

/** Ten minutes take 38 MB; decoding longer ones twice costs about a hundredth of what hearing them costs. */
const KEPT_S = 600;

// The decoders write what they do not like of a file to the console as well as into their answers.
console.error = () => undefined;

await serveCalls<RecordingStep, RecordingStepAnswer, undefined>(parentPort, async () => {
  const { features, ffmpeg, maxAudioS } = settings;
  const { sampleRate, windowSamples } = features;
  const mel = new LogMel(features);
  // It hears one rate only; no Whisper is known that has another.
  const vad = settings.vad && sampleRate === VAD_SAMPLE_RATE ? await SileroVad.open() : undefined;
  const options = { ffmpeg, maxAudioS, sampleRate, windowSamples, vad, keptSamples: KEPT_S * sampleRate };
  const open = new Map<number, Recording>();
  const read = async (recording: Recording, { window, isCut }: RecordingStep & { step: 'read' }) => {
    const samples = await recording.read(window);
    const cut = isCut ? quietCut(samples, sampleRate) : samples.length;
    const [{ start } = { start: 0 }] = window;
    const taken = isCut ? [{ start, end: start + cut }] : window;
    return { heard: { features: mel.extract(samples.subarray(0, cut)), window: taken } };
  };
  const answer = async (step: RecordingStep): Promise<RecordingStepAnswer> => {
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
    transfer: ({ heard }) => (heard === undefined ? [] : [heard.features.buffer]),
    close: async () => {
      for (const recording of open.values()) recording.close();
      await vad?.close();
    },
  };
});
