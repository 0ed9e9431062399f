import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import { tokenizerFileSchema } from '../../../engine/text/token-text.js';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import { readModelFile } from '../../model-folder.js';
import { invalidAudio } from '../audio/invalid-audio.js';
import { resample } from '../audio/resample.js';
import { decodeWav, isWav, type Sound } from '../audio/wav.js';
import { LogMel } from '../features/log-mel.js';
import { Transcription, type WhisperEngine } from './transcription.js';
import { WhisperGraphs } from './whisper-graphs.js';
import type { WhisperStep, WhisperStepAnswer, WhisperThreadSettings } from './whisper-protocol.js';
import { WhisperText } from './whisper-text.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: WhisperThreadSettings = workerData;

async function openText(): Promise<WhisperText> {
  const { folder } = settings;
  const file = await readModelFile(folder, 'tokenizer.json', tokenizerFileSchema);
  const config = await readModelFile(folder, 'tokenizer_config.json', z.record(z.string(), z.unknown()));
  try {
    return new WhisperText(file, config);
  } catch (error) {
    throw new Error(`${folder}/tokenizer.json: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function openSound(audio: Uint8Array): Sound {
  const { features, maxAudioS } = settings;
  if (!isWav(audio)) throw invalidAudio('it is no WAV file');
  const { sampleRate, samples } = decodeWav(audio, maxAudioS + 1);
  const seconds = samples.length / sampleRate;
  if (seconds > maxAudioS) {
    throw new FoveaError('INVALID_AUDIO', {
      message: `The audio is longer than ${maxAudioS} seconds.`,
      param: 'file',
      limit: { name: 'max_audio_s', value: maxAudioS },
    });
  }
  return { sampleRate: features.sampleRate, samples: resample(samples, sampleRate, features.sampleRate) };
}

await serveCalls<WhisperStep, WhisperStepAnswer, undefined>(parentPort, async () => {
  const graphs = await WhisperGraphs.open(settings);
  const engine: WhisperEngine = {
    settings,
    graphs,
    features: new LogMel(settings.features),
    text: await openText(),
  };
  const open = new Map<number, Transcription>();
  const answer = async (step: WhisperStep): Promise<WhisperStepAnswer> => {
    if (step.step === 'write') {
      const transcription = open.get(step.transcription);
      if (transcription === undefined) throw new Error(`Transcription ${step.transcription} is not open.`);
      return transcription.write();
    }
    if (step.step === 'forget') open.delete(step.transcription);
    else open.set(step.transcription, new Transcription(engine, openSound(step.audio), step.task));
    return { isLast: false };
  };
  // Ten seconds of silence: what the graphs cannot do shows now, and the first request need not wait for memory.
  await new Transcription(
    engine,
    {
      sampleRate: settings.features.sampleRate,
      samples: new Float32Array(settings.features.windowSamples / 3),
    },
    { language: undefined, prompt: '', timestamps: false, maxTokens: 2 },
  ).write();
  return { facts: undefined, answer, transfer: () => [], close: () => graphs.close() };
});
