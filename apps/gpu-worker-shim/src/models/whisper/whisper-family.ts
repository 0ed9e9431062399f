import { findFfmpeg } from '../../audio/formats/ffmpeg-decoder.js';
import { CallThread } from '../../engine/threads/call-thread.js';
import type { ModelFamily, ModelRuntime } from '../model-family.js';
import type { TranscriptionModel } from '../transcription-model.js';
import type { EncodedSound } from './decoder/window-rows.js';
import { WindowThread } from './decoder/window-thread.js';
import type { EncoderThreadFacts, EncoderThreadSettings } from './encoder/encoder-protocol.js';
import type { ListeningThreads } from './listening.js';
import type {
  RecordingStep,
  RecordingStepAnswer,
  RecordingThreadSettings,
} from './recording/recording-protocol.js';
import { readWhisperFolder, type WhisperFolder } from './whisper-folder.js';
import { WhisperModel } from './whisper-model.js';

async function startRecordings(
  { features }: WhisperFolder,
  { maxAudioS, vad, ffmpeg }: ModelRuntime['speech'],
): Promise<ListeningThreads['recordings']> {
  const settings: RecordingThreadSettings = { features, maxAudioS, vad, ffmpeg: await findFfmpeg(ffmpeg) };
  const script = 'models/whisper/recording/recording-entry.js';
  return (await CallThread.start<RecordingStep, RecordingStepAnswer, undefined>(script, settings)).thread;
}

function startEncoder(
  { features, encoderFile }: WhisperFolder,
  { executionProviders, threads }: ModelRuntime,
) {
  const { melBins, windowSamples, hop } = features;
  const frames = Math.floor(windowSamples / hop);
  const settings: EncoderThreadSettings = { encoderFile, melBins, frames, executionProviders, threads };
  return CallThread.start<Float32Array<ArrayBuffer>, EncodedSound, EncoderThreadFacts>(
    'models/whisper/encoder/encoder-entry.js',
    settings,
  );
}

/** Those that are given, and what else has to be closed when a later one refuses. */
async function startThreads(folder: string, facts: WhisperFolder, runtime: ModelRuntime) {
  const { executionProviders, threads, maxRunning, kvCacheBytes } = runtime;
  const { decoderFile, tokens, maxModelLen } = facts;
  const started: { close(): Promise<void> }[] = [];
  try {
    const recordings = await startRecordings(facts, runtime.speech);
    started.push(recordings);
    const encoder = await startEncoder(facts, runtime);
    started.push(encoder.thread);
    const decoder = await WindowThread.start({
      ...{ folder, decoderFile, tokens, maxModelLen, silence: encoder.facts.silence },
      ...{ executionProviders, threads, maxRunning, kvCacheBytes },
    });
    return {
      threads: { recordings, encoder: encoder.thread, decoder: decoder.thread },
      facts: decoder.facts,
    };
  } catch (error) {
    await Promise.all(started.map((thread) => thread.close()));
    throw error;
  }
}

/** Whisper in the onnx-community layout: `encoder_model` and `decoder_model_merged`. */
export const whisperFamily: ModelFamily<TranscriptionModel> = {
  modelTypes: ['whisper'],
  async load(source, runtime) {
    const folder = await readWhisperFolder(source.folder, runtime.dtypes);
    const { threads, facts } = await startThreads(source.folder, folder, runtime);
    const { sampleRate, windowSamples } = folder.features;
    const { maxRunning, maxWaiting, speech } = runtime;
    return new WhisperModel(
      {
        ...{ id: source.name, maxModelLen: folder.maxModelLen, sampleRate, windowSamples },
        ...{ languages: [...folder.tokens.languages.keys()], maxRunning, maxWaiting, maxRows: facts.maxRows },
        retriesDoubtful: speech.retriesDoubtful,
        memoryNeed: { keysAndValues: facts.maxRows * facts.rowBytes, prompts: 0, caches: 0 },
      },
      threads,
    );
  },
};
