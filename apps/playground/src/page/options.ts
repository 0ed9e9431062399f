import type { Sampling } from '../chat/conversation.js';
import { byId } from './elements.js';

const numbers = {
  temperature: 'temperature',
  top_p: 'top-p',
  max_tokens: 'max-tokens',
  seed: 'seed',
} as const;

/** System prompt and sampling. */
export class Options {
  readonly #form = byId('options', HTMLFormElement);
  readonly #toggle = byId('options-toggle', HTMLButtonElement);

  constructor() {
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    this.#toggle.addEventListener('click', () => {
      const isOpen = this.#form.classList.toggle('open');
      this.#toggle.setAttribute('aria-expanded', `${isOpen}`);
    });
  }

  get system(): string {
    return byId('system', HTMLTextAreaElement).value.trim();
  }

  /** What is not empty; the API says itself what is out of range. */
  get sampling(): Sampling {
    const entries = Object.entries(numbers).flatMap(([name, id]): [string, number][] => {
      const { value, valueAsNumber } = byId(id, HTMLInputElement);
      return value === '' || Number.isNaN(valueAsNumber) ? [] : [[name, valueAsNumber]];
    });
    const stop = byId('stop', HTMLInputElement).value;
    return { ...Object.fromEntries(entries), ...(stop === '' ? {} : { stop }) };
  }
}
