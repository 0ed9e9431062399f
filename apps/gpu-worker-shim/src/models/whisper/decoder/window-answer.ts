import { Sampler, type SamplerScratch } from '../../../engine/sampling/sampler.js';
import type { IncrementalText } from '../../../engine/text/token-text.js';
import { FALLBACK_TEMPERATURES, isDoubtful, isMaybeSilent, isSilent } from '../decoding/fallback.js';
import { finishedPart, toSegments } from '../decoding/segments.js';
import { allowTokens, logprobOf, type TokenChoice } from '../decoding/token-choice.js';
import type { WhisperText } from '../decoding/whisper-text.js';
import { timestampBegin, type WhisperTokens } from '../decoding/whisper-tokens.js';
import type { WindowPiece, WindowTask } from './window-task.js';

/** What all windows of a model share. */
export interface WritingRules {
  readonly tokens: WhisperTokens;
  readonly text: Pick<WhisperText, 'noSpeech' | 'encode' | 'decode' | 'incremental'>;
  /** Tokens of prompt and text. */
  readonly maxModelLen: number;
  readonly scratch: SamplerScratch;
}

/** What has become of the window with its last token. */
export type WindowState = 'goes on' | 'begins again' | 'has ended';

export interface WindowStart {
  readonly language: string | undefined;
  readonly promptTokens: number;
  readonly noSpeechProb: number;
}

/** The text of one window while it is written: picks tokens, tells text, knows when to end and when to try again. */
export class WindowAnswer {
  private readonly temperatures: readonly number[];
  private readonly maxTokens: number;
  private attempt = -1;
  private sampler!: Sampler;
  private words!: IncrementalText;
  private choices: TokenChoice[] = [];
  /** Text and tokens that have not been told. */
  private held = { text: '', tokens: 0 };

  constructor(
    private readonly task: WindowTask,
    private readonly start: WindowStart,
    private readonly rules: WritingRules,
  ) {
    const { temperature } = task.sampling;
    const higher = FALLBACK_TEMPERATURES.filter((other) => other > temperature);
    this.temperatures = task.retriesDoubtful ? [temperature, ...higher] : [temperature];
    const room = rules.maxModelLen - start.promptTokens;
    this.maxTokens = Math.min(room, task.maxTokens ?? room);
    this.beginAgain();
  }

  /** What is known before the first token. */
  get opening(): WindowPiece {
    const { promptTokens, language } = this.start;
    return { text: '', tokens: 0, promptTokens, language };
  }

  /** The token that is to be fed next. */
  get lastToken(): number {
    return this.choices.at(-1)!.id;
  }

  /** Takes the logits behind the last token, which it changes; gives what is now known. */
  accept(logits: Float32Array): { readonly state: WindowState; readonly piece?: WindowPiece } {
    const { tokens } = this.rules;
    allowTokens(
      logits,
      this.choices.map(({ id }) => id),
      this.task.timestamps,
      tokens,
    );
    const id = this.sampler.next(logits);
    const choice = { id, logprob: logprobOf(logits, id) };
    if (id === tokens.end) return this.finish('stop', choice.logprob);
    this.choices.push(choice);
    this.held.tokens += 1;
    if (id < timestampBegin(tokens)) this.held.text += this.words.push(id);
    if (this.choices.length >= this.maxTokens) return this.finish('length', 0);
    return { state: 'goes on', ...(!this.isHeldBack && { piece: this.tell() }) };
  }

  /** Text that may still be taken back waits for the end. */
  private get isHeldBack(): boolean {
    return this.temperatures.length > 1 || this.task.canSeek || isMaybeSilent(this.start.noSpeechProb);
  }

  private beginAgain(): void {
    this.attempt += 1;
    this.choices = [];
    this.held = { text: '', tokens: 0 };
    this.words = this.rules.text.incremental();
    const { sampling } = this.task;
    this.sampler = new Sampler(
      {
        temperature: this.temperatures[this.attempt] ?? 0,
        topP: sampling.topP ?? 1,
        topK: sampling.topK ?? 0,
        minP: sampling.minP ?? 0,
        presencePenalty: sampling.presencePenalty ?? 0,
        frequencyPenalty: sampling.frequencyPenalty ?? 0,
        repetitionPenalty: sampling.repetitionPenalty ?? 1,
        logitBias: new Map(),
        seed: sampling.seed ?? 0,
        stopTokenIds: [],
        minTokens: 0,
      },
      [],
      this.rules.scratch,
    );
  }

  private finish(
    finishReason: 'stop' | 'length',
    endLogprob: number,
  ): { state: WindowState; piece?: WindowPiece } {
    const { rules, task, start, choices } = this;
    this.held.text += this.words.flush();
    const sum = choices.reduce((total, { logprob }) => total + logprob, endLogprob);
    const avgLogprob = sum / (choices.length + 1);
    const { noSpeechProb } = start;
    const text = rules.text.decode(
      choices.map(({ id }) => id).filter((id) => id < timestampBegin(rules.tokens)),
    );
    const isLastAttempt = this.attempt + 1 >= this.temperatures.length;
    if (!isLastAttempt && isDoubtful({ text, avgLogprob, noSpeechProb })) {
      this.beginAgain();
      return { state: 'begins again' };
    }
    if (isSilent({ avgLogprob, noSpeechProb })) {
      this.held.text = '';
      const end = { finishReason, segments: [], seekS: undefined };
      return { state: 'has ended', piece: { ...this.tell(), end } };
    }
    const begin = timestampBegin(rules.tokens);
    const part = task.canSeek ? finishedPart(choices, begin) : { choices, seekS: undefined };
    const segments = task.timestamps
      ? toSegments(
          {
            choices: part.choices,
            timestampBegin: begin,
            noSpeechProb,
            temperature: this.temperatures[this.attempt] ?? 0,
            durationS: task.durationS,
          },
          (ids) => rules.text.decode(ids),
        )
      : [];
    if (part.seekS !== undefined) {
      this.held = { text: segments.map((segment) => segment.text).join(''), tokens: part.choices.length };
    }
    const end = { finishReason, segments, seekS: part.seekS };
    return { state: 'has ended', piece: { ...this.tell(), end } };
  }

  private tell(): WindowPiece {
    const { text, tokens } = this.held;
    this.held = { text: '', tokens: 0 };
    return { text, tokens, promptTokens: 0, language: this.start.language };
  }
}
