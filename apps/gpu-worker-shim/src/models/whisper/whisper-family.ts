import { CallThread } from '../../engine/threads/call-thread.js';
import type { ModelFamily } from '../model-family.js';
import type { TranscriptionModel } from '../transcription-model.js';
import type { WhisperStep, WhisperStepAnswer, WhisperThreadSettings } from './thread/whisper-protocol.js';
import { readWhisperFolder } from './whisper-folder.js';
import { WhisperModel } from './whisper-model.js';

/** Longer files are refused: their sound is held as a whole. */
const MAX_AUDIO_S = 3600;

/** Whisper in the onnx-community layout: `encoder_model` and `decoder_model_merged`. */
export const whisperFamily: ModelFamily<TranscriptionModel> = {
  modelTypes: ['whisper'],
  async load(source, runtime) {
    const folder = await readWhisperFolder(source.folder, runtime.dtypes);
    const settings: WhisperThreadSettings = {
      ...folder,
      folder: source.folder,
      executionProviders: runtime.executionProviders,
      threads: runtime.threads,
      maxAudioS: MAX_AUDIO_S,
    };
    const { thread } = await CallThread.start<WhisperStep, WhisperStepAnswer, undefined>(
      'models/whisper/thread/whisper-entry.js',
      settings,
    );
    const { maxRunning, maxWaiting } = runtime;
    const languages = [...folder.tokens.languages.keys()];
    return new WhisperModel(
      { id: source.name, maxModelLen: folder.maxModelLen, languages, maxRunning, maxWaiting },
      thread,
    );
  },
};
