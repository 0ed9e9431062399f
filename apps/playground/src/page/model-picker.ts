import type { Model } from '../wire/models.js';
import { byId, element } from './elements.js';
import { count } from './quantities.js';
import type { Session } from './session.js';

export type Task = 'chat' | 'transcribe';

const isFor = (model: Model, task: Task): boolean => (task === 'chat' ? model.chats : model.transcribes);

/** The models of one task, and what the chosen one can do. */
export class ModelPicker {
  #task: Task = 'chat';
  readonly #chosen = new Map<Task, string>();
  readonly #select = byId('model', HTMLSelectElement);
  readonly #onChange: (() => void)[] = [];

  constructor(private readonly session: Session) {
    this.#select.addEventListener('change', () => {
      this.#chosen.set(this.#task, this.#select.value);
      this.#tell();
    });
    // Workers come and go while the page is open.
    addEventListener('visibilitychange', () => {
      if (!document.hidden) session.refresh().catch(() => undefined);
    });
    session.onChange(() => this.#fill());
  }

  get model(): Model | undefined {
    return this.session.models.find(({ name }) => name === this.#chosen.get(this.#task));
  }

  has(task: Task): boolean {
    return this.session.models.some((model) => isFor(model, task));
  }

  onChange(listener: () => void): void {
    this.#onChange.push(listener);
  }

  show(task: Task): void {
    this.#task = task;
    this.#fill();
  }

  #fill(): void {
    const models = this.session.models.filter((model) => isFor(model, this.#task));
    const chosen = models.find(({ name }) => name === this.#chosen.get(this.#task));
    const first = chosen ?? models.find(({ isAvailable }) => isAvailable) ?? models[0];
    if (first === undefined) this.#chosen.delete(this.#task);
    else this.#chosen.set(this.#task, first.name);
    const empty = this.session.key === undefined ? 'no key yet' : 'no model is registered';
    const options = models.map(({ name, isAvailable }) =>
      element('option', { value: name }, isAvailable ? name : `${name} (no worker)`),
    );
    this.#select.replaceChildren(...(options.length > 0 ? options : [element('option', {}, empty)]));
    this.#select.disabled = options.length === 0;
    if (first !== undefined) this.#select.value = first.name;
    this.#tell();
  }

  #tell(): void {
    const { model } = this;
    byId('capabilities', HTMLUListElement).replaceChildren(...(model === undefined ? [] : chipsOf(model)));
    byId('model-about', HTMLElement).textContent = model?.description ?? '';
    for (const listener of this.#onChange) listener();
  }
}

function chipsOf(model: Model): HTMLLIElement[] {
  const chip = (text: string, kind = ''): HTMLLIElement => element('li', { class: kind }, text);
  const can = (does: boolean, text: string): HTMLLIElement[] => (does ? [chip(text)] : []);
  return [
    ...(model.isAvailable ? [] : [chip('no worker', 'bad')]),
    ...can(model.takesImages, 'images'),
    ...can(model.takesTools, 'tools'),
    ...can(model.transcribes, 'transcription'),
    ...(model.chats ? [chip(`${count(model.maxContextTokens)} tokens`, 'off')] : []),
  ];
}
