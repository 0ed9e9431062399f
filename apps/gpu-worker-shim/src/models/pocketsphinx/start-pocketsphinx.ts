import { findFfmpeg } from '../../audio/formats/ffmpeg-decoder.js';
import { CallThread } from '../../engine/threads/call-thread.js';
import type { ModelRuntime } from '../model-family.js';
import type { TranscriptionModel } from '../transcription-model.js';
import { findPocketSphinx } from './find-pocketsphinx.js';
import { PocketSphinxModel } from './pocketsphinx-model.js';
import type { SoundStep, SoundStepAnswer, SoundThreadSettings } from './sound/sound-protocol.js';

/** The name it is served under. */
export const POCKETSPHINX = 'pocketsphinx-en-us';

/**
 * Starts the model that is no folder: PocketSphinx as the machine has it. Throws an `Error` with what is missing.
 *
 * @param setting path of the program, or `auto`: it is looked for in the usual folders
 */
export async function startPocketSphinx(setting: string, runtime: ModelRuntime): Promise<TranscriptionModel> {
  const sphinx = await findPocketSphinx(setting);
  const { maxRunning, maxWaiting, threads, speech } = runtime;
  const { maxAudioS, vad } = speech;
  const settings: SoundThreadSettings = { maxAudioS, vad, ffmpeg: await findFfmpeg(speech.ffmpeg) };
  const script = 'models/pocketsphinx/sound/sound-entry.js';
  const { thread } = await CallThread.start<SoundStep, SoundStepAnswer, undefined>(script, settings);
  return new PocketSphinxModel(
    { id: POCKETSPHINX, maxRunning, maxWaiting, maxProcesses: threads },
    sphinx,
    thread,
  );
}
