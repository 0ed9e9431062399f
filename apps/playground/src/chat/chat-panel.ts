import { startCopyButtons } from '../examples/copy-buttons.js';
import { announce, byId } from '../page/elements.js';
import type { ModelPicker } from '../page/model-picker.js';
import type { Options } from '../page/options.js';
import { asProblem, hideProblem, isStopped, showProblem } from '../page/problem-view.js';
import { bytes } from '../page/quantities.js';
import type { Session } from '../page/session.js';
import { loadPicture } from '../pictures/load-picture.js';
import type { Picture } from '../pictures/picture.js';
import { Tray } from '../pictures/tray.js';
import { readImageTokens } from '../wire/models.js';
import { ask, emptyReply, type Reply } from './ask.js';
import type { Question, Turn } from './conversation.js';
import { bodyBytes, bodyPieces, problemOfQuestion } from './request-body.js';
import { AnswerView, userTurn } from './turn-view.js';
import { UploadBar } from './upload-bar.js';

/** The conversation: what has been said, and what is about to be. */
export class ChatPanel {
  readonly #prompt = byId('prompt', HTMLTextAreaElement);
  readonly #problem = byId('problem', HTMLElement);
  readonly #list = byId('turns', HTMLOListElement);
  readonly #scroll = byId('scroll', HTMLElement);
  readonly #tray: Tray;
  readonly #upload = new UploadBar(byId('upload', HTMLProgressElement));
  #turns: Turn[] = [];
  #running: AbortController | undefined;

  constructor(
    private readonly session: Session,
    private readonly picker: ModelPicker,
    private readonly options: Options,
  ) {
    this.#tray = new Tray({
      maxSidePx: () => session.limits?.maxImageSidePx,
      estimate: (picture) => this.#estimate(picture),
      onChange: () => this.#changed(),
    });
    picker.onChange(() => {
      this.#tray.recount();
      this.#changed();
    });
    this.#listen();
  }

  /** Adds files that are pictures, and says which are none. */
  async add(files: readonly File[]): Promise<void> {
    hideProblem(this.#problem);
    const results = await Promise.allSettled(files.map(loadPicture));
    const pictures = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (pictures.length > 0) this.#tray.add(pictures);
    const failed = results.find((result) => result.status === 'rejected');
    const question = this.#question();
    const { limits } = this.session;
    const found = limits === undefined ? undefined : problemOfQuestion(question, limits);
    if (failed !== undefined) showProblem(this.#problem, asProblem(failed.reason));
    else if (found !== undefined) showProblem(this.#problem, found);
  }

  #listen(): void {
    byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.#prompt.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.#send();
    });
    this.#prompt.addEventListener('input', () => this.#changed());
    byId('stop-button', HTMLButtonElement).addEventListener('click', () => this.#running?.abort());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#running?.abort();
    });
    byId('clear', HTMLButtonElement).addEventListener('click', () => this.#clear());
    startCopyButtons(() => this.#question());
  }

  /** What would be sent now; before anything has been typed, the last question again. */
  #question(): Question {
    const text = this.#prompt.value.trim();
    const { pictures } = this.#tray;
    const next: Turn[] = text === '' && pictures.length === 0 ? [] : [{ role: 'user', text, pictures }];
    const said =
      next.length === 0 && this.#turns.at(-1)?.role === 'assistant' ? this.#turns.slice(0, -1) : this.#turns;
    const { system, sampling } = this.options;
    return { model: this.picker.model?.name ?? '', system, sampling, turns: [...said, ...next] };
  }

  #estimate(picture: Picture): Promise<number | undefined> {
    const { key } = this.session;
    const { model } = this.picker;
    if (key === undefined || model?.takesImages !== true) return Promise.resolve(undefined);
    return readImageTokens(model.name, picture, key);
  }

  #changed(): void {
    hideProblem(this.#problem);
    const { pictures } = this.#tray;
    const hasPictures = pictures.length > 0;
    byId('weight', HTMLElement).textContent = hasPictures
      ? `${bytes(bodyBytes(bodyPieces(this.#question())))} to send`
      : '';
    byId('clear', HTMLButtonElement).disabled = this.#turns.length === 0 || this.#running !== undefined;
  }

  async #send(): Promise<void> {
    const { key, limits } = this.session;
    const { model } = this.picker;
    const text = this.#prompt.value.trim();
    if (this.#running !== undefined || (text === '' && this.#tray.pictures.length === 0)) return;
    if (key === undefined || limits === undefined || model === undefined) {
      byId('key-open', HTMLButtonElement).click();
      return;
    }
    const question = this.#question();
    const found = problemOfQuestion(question, limits);
    if (found !== undefined) {
      showProblem(this.#problem, found);
      return;
    }
    await this.#run(question, key, model.name);
  }

  async #run(question: Question, key: string, model: string): Promise<void> {
    const running = new AbortController();
    this.#setRunning(running);
    const asked = { text: this.#prompt.value.trim(), pictures: this.#tray.take() };
    this.#prompt.value = '';
    const said = userTurn(asked.text, asked.pictures);
    const view = new AnswerView(model, () => this.#follow());
    byId('welcome', HTMLElement).hidden = true;
    this.#list.append(said, view.item);
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    announce('Sent.');
    let reply = emptyReply(performance.now());
    const onReply = (next: Reply): void => {
      reply = next;
      this.#upload.hide();
      view.show(next);
    };
    const finish = (how: Parameters<AnswerView['end']>[1]): void => {
      view.end(reply, how);
      const answer: Turn[] = reply.text === '' ? [] : [{ role: 'assistant', text: reply.text }];
      this.#turns = [...question.turns, ...answer];
    };
    try {
      const onUpload = (sent: number, total: number): void => this.#upload.show(sent, total);
      await ask(question, { key, signal: running.signal, onReply, onUpload });
      finish({ isStopped: false });
      announce('The answer is complete.');
    } catch (error) {
      const hasText = reply.text !== '' || reply.reasoning !== '';
      if (isStopped(error) && hasText) finish({ isStopped: true });
      else if (hasText) finish({ isStopped: false, problem: asProblem(error) });
      else this.#takeBack(asked, [said, view.item]);
      if (!hasText && !isStopped(error)) showProblem(this.#problem, asProblem(error));
      if (isStopped(error)) announce('Stopped.');
    } finally {
      this.#upload.hide();
      this.#setRunning(undefined);
      this.#prompt.focus();
    }
  }

  /** A question without any answer goes back to where it was written, so that it can be changed and sent again. */
  #takeBack(asked: { text: string; pictures: readonly Picture[] }, items: readonly HTMLElement[]): void {
    for (const item of items) item.remove();
    byId('welcome', HTMLElement).hidden = this.#turns.length > 0;
    this.#prompt.value = asked.text;
    if (asked.pictures.length > 0) this.#tray.add(asked.pictures);
  }

  #clear(): void {
    for (const turn of this.#turns) {
      if (turn.role === 'user') for (const { url } of turn.pictures) URL.revokeObjectURL(url);
    }
    this.#turns = [];
    this.#list.replaceChildren();
    byId('welcome', HTMLElement).hidden = false;
    announce('The conversation is empty.');
    this.#changed();
    this.#prompt.focus();
  }

  #setRunning(running: AbortController | undefined): void {
    this.#running = running;
    byId('send', HTMLButtonElement).hidden = running !== undefined;
    byId('stop-button', HTMLButtonElement).hidden = running === undefined;
    byId('clear', HTMLButtonElement).disabled = this.#turns.length === 0 || running !== undefined;
  }

  /** Keeps the end in sight, unless the reader has scrolled up. */
  #follow(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
    if (scrollHeight - scrollTop - clientHeight < clientHeight / 3) this.#scroll.scrollTop = scrollHeight;
  }
}
