import { FoveaError } from '@fovea/errors';
import { likeliestOf, probabilityOf } from '../decoding/token-choice.js';
import { initialTokens } from '../decoding/whisper-tokens.js';
import { WindowAnswer, type WritingRules } from './window-answer.js';
import type { WindowRow, WindowRows } from './window-rows.js';
import type { WindowPiece, WindowTask } from './window-task.js';

/** Everything one turn made known; it travels as one message. */
export interface WindowTick {
  /** Windows in decode steps. */
  readonly running: number;
  /** Since the start: decode steps, and the tokens that they took in. */
  readonly steps: number;
  readonly stepTokens: number;
  readonly pieces: readonly (WindowPiece & { readonly id: number })[];
  readonly failures: readonly { readonly id: number; readonly error: FoveaError }[];
}

interface RunningWindow {
  readonly id: number;
  readonly row: WindowRow;
  readonly answer: WindowAnswer;
  /** Logits behind the prompt. */
  readonly first: Float32Array;
  /** Steps of others since its last one. */
  waited: number;
}

/** Steps that a window lets others go first, so that they catch up with it. */
const PATIENCE = 8;

/**
 * Decides what the decoder does next: in turns, the prompt of a window that waits and one decode step. Windows step
 * together when they are equally long, so the shortest go first: they catch up with the others and go on with them. None
 * waits for more than a few steps. A cancelled window is gone before the next step.
 */
export class WindowScheduler {
  private waiting: WindowTask[] = [];
  private running: RunningWindow[] = [];
  private wasStep = true;
  private isLettingIn = false;
  private isInPass = false;
  private leaving: WindowRow[] = [];
  private beginning: number | undefined;
  private steps = 0;
  private stepTokens = 0;
  private pieces: (WindowPiece & { id: number })[] = [];
  private failures: { id: number; error: FoveaError }[] = [];

  /** @param maxRows windows that are written at the same time */
  constructor(
    private readonly rows: Pick<WindowRows, 'look' | 'begin' | 'step' | 'rewind' | 'release'>,
    private readonly rules: WritingRules,
    private readonly maxRows: number,
  ) {}

  get hasWork(): boolean {
    return this.waiting.length > 0 || this.running.length > 0;
  }

  add(task: WindowTask): void {
    this.waiting.push(task);
  }

  /** Forgets a window in whatever state it is; nothing more is said of it. Unknown ids are ignored. */
  cancel(id: number): void {
    this.waiting = this.waiting.filter((task) => task.id !== id);
    if (this.beginning === id) this.beginning = undefined;
    for (const window of this.running.filter((other) => other.id === id)) this.leave(window);
  }

  /** One turn. Never throws: what fails is the window it was for. */
  async tick(): Promise<WindowTick> {
    const canBegin = this.canBegin();
    this.wasStep = this.running.length > 0 && !(canBegin && this.wasStep);
    this.isInPass = true;
    if (this.wasStep) await this.step(this.nextBatch());
    else if (canBegin) await this.begin();
    this.isInPass = false;
    for (const row of this.leaving.splice(0)) this.rows.release(row);
    const { steps, stepTokens, pieces, failures } = this;
    this.pieces = [];
    this.failures = [];
    return { running: this.running.length, steps, stepTokens, pieces, failures };
  }

  /** Where many wait, they begin in groups, once half of the places are free: so they catch up together. */
  private canBegin(): boolean {
    const free = this.maxRows - this.running.length;
    const group = Math.min(this.waiting.length, Math.ceil(this.maxRows / 2));
    this.isLettingIn = group > 0 && free > 0 && (this.isLettingIn || free >= group);
    return this.isLettingIn;
  }

  private async begin(): Promise<void> {
    const task = this.waiting.shift()!;
    this.beginning = task.id;
    try {
      const language = task.language ?? (await this.detect(task));
      const previous = this.previousTokens(task.prompt);
      const prompt = [...previous, ...initialTokens(this.rules.tokens, language, task.timestamps)];
      const { row, logits } = await this.rows.begin(task.sound, prompt);
      // A cancel may have arrived during the pass.
      if (this.beginning !== task.id) {
        this.leaving.push(row);
        return;
      }
      const { noSpeech } = this.rules.text;
      const noSpeechProb = noSpeech === undefined ? 0 : probabilityOf(logits(previous.length), noSpeech);
      const start = { language, promptTokens: prompt.length, noSpeechProb };
      const answer = new WindowAnswer(task, start, this.rules);
      const window = { id: task.id, row, answer, first: logits(prompt.length - 1).slice(), waited: 0 };
      this.running.push(window);
      this.pieces.push({ ...answer.opening, id: task.id });
      this.accept(window, window.first.slice());
    } catch (error) {
      this.fail(task.id, error);
    } finally {
      this.beginning = undefined;
    }
  }

  /** The likeliest language of a window: what follows the start token. */
  private async detect({ sound }: WindowTask): Promise<string | undefined> {
    const { start, languages } = this.rules.tokens;
    if (languages.size === 0) return undefined;
    const logits = await this.rows.look(sound, [start]);
    const best = likeliestOf(logits(0), languages.values());
    return [...languages].find(([, id]) => id === best)?.[0];
  }

  /** The end of the request's prompt, at most half of the context, as openai/whisper has it. */
  private previousTokens(prompt: string): number[] {
    const { tokens, maxModelLen, text } = this.rules;
    const words = prompt.trim();
    if (words === '' || tokens.startOfPrevious === undefined) return [];
    return [tokens.startOfPrevious, ...text.encode(` ${words}`).slice(-(Math.floor(maxModelLen / 2) - 1))];
  }

  private nextBatch(): RunningWindow[] {
    const shortest = this.running.reduce((a, b) => (b.row.length < a.row.length ? b : a));
    const hasWaited = this.running.find(({ waited }) => waited >= PATIENCE);
    const { length } = (hasWaited ?? shortest).row;
    return this.running.filter(({ row }) => row.length === length);
  }

  private async step(batch: readonly RunningWindow[]): Promise<void> {
    try {
      await this.stepTogether(batch);
    } catch (error) {
      if (batch.length === 1) return this.fail(batch[0]!.id, error);
      // One by one: those that can go on do, whatever it is that one of them is failing of.
      for (const window of batch) {
        if (!this.running.includes(window)) continue;
        await this.stepTogether([window]).catch((own: unknown) => this.fail(window.id, own));
      }
    }
    for (const window of this.running) window.waited = batch.includes(window) ? 0 : window.waited + 1;
  }

  private async stepTogether(batch: readonly RunningWindow[]): Promise<void> {
    const logits = await this.rows.step(batch.map(({ row, answer }) => ({ row, token: answer.lastToken })));
    this.steps += 1;
    this.stepTokens += batch.length;
    for (const [at, window] of batch.entries()) {
      // A cancel may have arrived during the pass.
      if (!this.running.includes(window)) continue;
      try {
        this.accept(window, logits[at]!);
      } catch (error) {
        this.fail(window.id, error);
      }
    }
  }

  private accept(window: RunningWindow, logits: Float32Array): void {
    let { state, piece } = window.answer.accept(logits);
    while (state === 'begins again') {
      this.rows.rewind(window.row);
      ({ state, piece } = window.answer.accept(window.first.slice()));
    }
    if (piece !== undefined) this.pieces.push({ ...piece, id: window.id });
    if (state === 'has ended') this.leave(window);
  }

  private leave(window: RunningWindow): void {
    this.running = this.running.filter((other) => other !== window);
    if (this.isInPass) this.leaving.push(window.row);
    else this.rows.release(window.row);
  }

  private fail(id: number, error: unknown): void {
    this.cancel(id);
    this.failures.push({ id, error: FoveaError.from(error) });
  }
}
