import type { Tensor } from 'onnxruntime-node';
import type { IncrementalText } from '../../../engine/text/token-text.js';
import type { TranscriptionPiece } from '../../transcription-model.js';
import type { Sound } from '../audio/wav.js';
import { cutIntoWindows, type SoundWindow } from '../audio/windows.js';
import { toSegments } from '../decoding/segments.js';
import { chooseToken, likeliestOf, probabilityOf, type TokenChoice } from '../decoding/token-choice.js';
import { initialTokens, timestampBegin } from '../decoding/whisper-tokens.js';
import type { LogMel } from '../features/log-mel.js';
import type { DecoderRun, WhisperGraphs } from './whisper-graphs.js';
import type { WhisperStepAnswer, WhisperTask, WhisperThreadSettings } from './whisper-protocol.js';
import type { WhisperText } from './whisper-text.js';

/** What all transcriptions of a thread share. */
export interface WhisperEngine {
  readonly settings: WhisperThreadSettings;
  readonly graphs: Pick<WhisperGraphs, 'encode' | 'begin' | 'next'>;
  readonly features: Pick<LogMel, 'extract'>;
  readonly text: Pick<WhisperText, 'noSpeech' | 'encode' | 'decode' | 'incremental'>;
}

/** A window that is being written down. */
interface OpenWindow {
  readonly place: SoundWindow;
  readonly sound: Tensor;
  readonly noSpeechProb: number;
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly choices: TokenChoice[];
  readonly words: IncrementalText;
  /** Of the last token. */
  run: DecoderRun;
  logits: Float32Array;
  /** Held back: nobody may be speaking. */
  held: string;
}

/** Tokens of one step; then another transcription has its turn. */
const TOKENS_PER_STEP = 16;
/** openai/whisper's: a window where nobody seems to speak is dropped if its text is unlikely, too. */
const NO_SPEECH_PROB = 0.6;
const LIKELY_LOGPROB = -1;

/** One file on its way to text, window after window, with the likeliest token each time. */
export class Transcription {
  private readonly windows: SoundWindow[];
  private language: string | undefined;
  private current: OpenWindow | undefined;

  constructor(
    private readonly engine: WhisperEngine,
    private readonly sound: Sound,
    private readonly task: WhisperTask,
  ) {
    const { windowSamples, sampleRate } = engine.settings.features;
    this.windows = cutIntoWindows(sound.samples, windowSamples, sampleRate);
    this.language = task.language;
  }

  /** Writes some tokens of the current window. Must not be called again after the answer with `isLast`. */
  async write(): Promise<WhisperStepAnswer> {
    const isNew = this.current === undefined;
    const window = this.current ?? (await this.openNext());
    this.current = window;
    const before = window.choices.length;
    let text = '';
    let finishReason: 'stop' | 'length' | undefined;
    while (finishReason === undefined && window.choices.length - before < TOKENS_PER_STEP) {
      const { tokens } = this.engine.settings;
      const written = window.choices.map(({ id }) => id);
      const choice = chooseToken(window.logits, written, this.task.timestamps, tokens);
      if (choice.id === tokens.end) {
        finishReason = 'stop';
        break;
      }
      window.choices.push(choice);
      if (choice.id < timestampBegin(tokens)) text += window.words.push(choice.id);
      if (window.choices.length >= window.maxTokens) finishReason = 'length';
      else await this.feed(window, choice.id);
    }
    const tokens = window.choices.length - before;
    const promptTokens = isNew ? window.promptTokens : 0;
    if (finishReason !== undefined) text += window.words.flush();
    return this.answer(window, { text, tokens, promptTokens }, finishReason);
  }

  private answer(
    window: OpenWindow,
    piece: Pick<TranscriptionPiece, 'text' | 'tokens' | 'promptTokens'>,
    finishReason: 'stop' | 'length' | undefined,
  ): WhisperStepAnswer {
    const { sampleRate } = this.engine.settings.features;
    const common = {
      ...piece,
      language: this.language ?? 'en',
      durationS: this.sound.samples.length / sampleRate,
    };
    const isDoubtful = window.noSpeechProb > NO_SPEECH_PROB;
    if (finishReason === undefined) {
      if (isDoubtful) window.held += piece.text;
      return { piece: { ...common, text: isDoubtful ? '' : piece.text }, isLast: false };
    }
    this.current = undefined;
    const isSilent = isDoubtful && meanLogprob(window.choices) < LIKELY_LOGPROB;
    const text = isSilent ? '' : window.held + piece.text;
    const segments = isSilent || !this.task.timestamps ? [] : this.segmentsOf(window);
    return {
      piece: { ...common, text, windowEnd: { finishReason, segments } },
      isLast: this.windows.length === 0,
    };
  }

  private async openNext(): Promise<OpenWindow> {
    const place = this.windows.shift();
    if (place === undefined) throw new Error('There is no window left.');
    const { graphs, features, settings, text } = this.engine;
    const { tokens, maxModelLen } = settings;
    const sound = await graphs.encode(features.extract(this.sound.samples.subarray(place.start, place.end)));
    if (this.language === undefined && tokens.languages.size > 0) this.language = await this.detect(sound);
    const previous = this.previousTokens();
    const prompt = [...previous, ...initialTokens(tokens, this.language, this.task.timestamps)];
    const run = await graphs.begin(sound, prompt);
    const { noSpeech } = text;
    const room = maxModelLen - prompt.length;
    return {
      place,
      sound,
      noSpeechProb: noSpeech === undefined ? 0 : probabilityOf(run.logitsAt(previous.length), noSpeech),
      promptTokens: prompt.length,
      maxTokens: Math.min(room, this.task.maxTokens ?? room),
      choices: [],
      words: text.incremental(),
      run,
      logits: run.logitsAt(prompt.length - 1),
      held: '',
    };
  }

  private async feed(window: OpenWindow, id: number): Promise<void> {
    window.run = await this.engine.graphs.next(window.sound, id, window.run.cache);
    window.logits = window.run.logitsAt(0);
  }

  /** The likeliest language of a window: what follows the start token. */
  private async detect(sound: Tensor): Promise<string | undefined> {
    const { start, languages } = this.engine.settings.tokens;
    const run = await this.engine.graphs.begin(sound, [start]);
    const best = likeliestOf(run.logitsAt(0), languages.values());
    return [...languages].find(([, id]) => id === best)?.[0];
  }

  /** The end of the request's prompt, at most half of the context, as openai/whisper has it. */
  private previousTokens(): number[] {
    const { tokens, maxModelLen } = this.engine.settings;
    const prompt = this.task.prompt.trim();
    if (prompt === '' || tokens.startOfPrevious === undefined) return [];
    const ids = this.engine.text.encode(` ${prompt}`);
    return [tokens.startOfPrevious, ...ids.slice(-(Math.floor(maxModelLen / 2) - 1))];
  }

  private segmentsOf(window: OpenWindow) {
    const { settings, text } = this.engine;
    const { sampleRate } = settings.features;
    return toSegments(
      {
        choices: window.choices,
        timestampBegin: timestampBegin(settings.tokens),
        noSpeechProb: window.noSpeechProb,
        startS: window.place.start / sampleRate,
        endS: window.place.end / sampleRate,
      },
      (ids) => text.decode(ids),
    );
  }
}

function meanLogprob(choices: readonly TokenChoice[]): number {
  return choices.reduce((sum, { logprob }) => sum + logprob, 0) / Math.max(1, choices.length);
}
