import { byId, element } from './elements.js';
import { asProblem, hideProblem, showProblem } from './problem-view.js';
import type { Session } from './session.js';

/** Asks for the key when there is none, and lets it be changed or forgotten. */
export class KeyDialog {
  readonly #dialog = byId('key-dialog', HTMLDialogElement);
  readonly #field = byId('key', HTMLInputElement);
  readonly #problem = byId('key-problem', HTMLElement);
  readonly #opener = byId('key-open', HTMLButtonElement);
  readonly #clear = byId('key-clear', HTMLButtonElement);

  constructor(private readonly session: Session) {
    this.#opener.addEventListener('click', () => this.open());
    byId('key-cancel', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#clear.addEventListener('click', () => {
      session.forget();
      this.open();
    });
    byId('key-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#use(this.#field.value.trim());
    });
    session.onChange(() => this.#show());
    this.#show();
  }

  open(): void {
    hideProblem(this.#problem);
    this.#field.value = '';
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.focus();
  }

  /** Opens with the key of this tab, or asks for one. */
  async start(): Promise<void> {
    const { key } = this.session;
    if (key === undefined) this.open();
    else await this.#use(key);
  }

  async #use(key: string): Promise<void> {
    hideProblem(this.#problem);
    try {
      await this.session.open(key);
      this.#dialog.close();
      byId('prompt', HTMLTextAreaElement).focus();
    } catch (error) {
      this.open();
      showProblem(this.#problem, asProblem(error));
    }
  }

  #show(): void {
    const { key } = this.session;
    this.#clear.hidden = key === undefined;
    const suffix = key === undefined ? '' : ` …${key.slice(-4)}`;
    this.#opener.replaceChildren('Key', element('span', { class: 'suffix' }, suffix));
  }
}
