import { UploadBar } from '../chat/upload-bar.js';
import { announce, byId } from '../page/elements.js';
import type { ModelPicker } from '../page/model-picker.js';
import { asProblem, hideProblem, isStopped, showProblem } from '../page/problem-view.js';
import { bytes } from '../page/quantities.js';
import type { Session } from '../page/session.js';
import { tooLargeBody } from '../pictures/picture-limits.js';
import { Recorder } from './recorder.js';
import { transcribe } from './transcribe.js';
import { TranscriptView } from './transcript-view.js';

/** A recording from a file or the microphone, and its text. */
export class TranscriptionPanel {
  readonly #input = byId('recording', HTMLInputElement);
  readonly #record = byId('record', HTMLButtonElement);
  readonly #submit = byId('transcribe', HTMLButtonElement);
  readonly #problem = byId('speech-problem', HTMLElement);
  readonly #upload = new UploadBar(byId('speech-upload', HTMLProgressElement));
  readonly #recorder = new Recorder();
  readonly #view = new TranscriptView();
  #file: File | undefined;
  #running: AbortController | undefined;

  constructor(
    private readonly session: Session,
    private readonly picker: ModelPicker,
  ) {
    byId('recording-choose', HTMLButtonElement).addEventListener('click', () => this.#input.click());
    this.#input.addEventListener('change', () => {
      const [file] = this.#input.files ?? [];
      if (file !== undefined) this.add(file);
      this.#input.value = '';
    });
    this.#record.hidden = !Recorder.isOffered;
    this.#record.addEventListener('click', () => void this.#toggleRecording());
    byId('speech', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#run();
    });
    byId('speech-stop', HTMLButtonElement).addEventListener('click', () => this.#running?.abort());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#running?.abort();
    });
  }

  add(file: File): void {
    hideProblem(this.#problem);
    this.#file = file;
    byId('recording-name', HTMLElement).textContent = `${file.name} · ${bytes(file.size)}`;
    this.#submit.disabled = false;
    announce(`${file.name} chosen.`);
    const { limits } = this.session;
    const found = limits === undefined ? undefined : tooLargeBody(file.size, limits.maxBodyBytes);
    if (found === undefined) return;
    this.#submit.disabled = true;
    showProblem(this.#problem, found);
  }

  async #toggleRecording(): Promise<void> {
    if (this.#recorder.isRecording) {
      this.#recorder.stop();
      return;
    }
    hideProblem(this.#problem);
    try {
      const file = await this.#recorder.record(() => this.#showRecording(true));
      this.add(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      showProblem(this.#problem, { code: 'MICROPHONE', message: `The microphone cannot be used: ${reason}` });
    } finally {
      this.#showRecording(false);
    }
  }

  #showRecording(isRecording: boolean): void {
    this.#record.setAttribute('aria-pressed', `${isRecording}`);
    this.#record.textContent = isRecording ? 'Finish' : 'Record';
    announce(isRecording ? 'Recording.' : '');
  }

  async #run(): Promise<void> {
    const { key } = this.session;
    const { model } = this.picker;
    const file = this.#file;
    if (this.#running !== undefined || file === undefined || key === undefined || model === undefined) return;
    const running = new AbortController();
    this.#setRunning(running);
    hideProblem(this.#problem);
    try {
      const language = byId('language', HTMLInputElement).value.trim();
      const onUpload = (sent: number, total: number): void => this.#upload.show(sent, total);
      const options = { model: model.name, language, key, signal: running.signal, onUpload };
      this.#view.show(await transcribe(file, options), file);
      announce('The transcript is complete.');
    } catch (error) {
      if (isStopped(error)) announce('Stopped.');
      else showProblem(this.#problem, asProblem(error));
    } finally {
      this.#upload.hide();
      this.#setRunning(undefined);
    }
  }

  #setRunning(running: AbortController | undefined): void {
    this.#running = running;
    this.#submit.hidden = running !== undefined;
    byId('speech-stop', HTMLButtonElement).hidden = running === undefined;
  }
}
