import { announce, button, byId, element } from '../page/elements.js';
import { bytes, count } from '../page/quantities.js';
import type { Picture } from './picture.js';
import { tooLargeImage } from './picture-limits.js';

/** Tells the tokens of a picture for the model that is chosen; undefined where nobody knows. */
export type EstimateTokens = (picture: Picture) => Promise<number | undefined>;

/** The pictures that go with the next message. */
export class Tray {
  #pictures: Picture[] = [];
  readonly #list = byId('tray', HTMLUListElement);

  constructor(
    private readonly options: {
      readonly maxSidePx: () => number | undefined;
      readonly estimate: EstimateTokens;
      readonly onChange: () => void;
    },
  ) {}

  get pictures(): readonly Picture[] {
    return this.#pictures;
  }

  add(pictures: readonly Picture[]): void {
    this.#pictures.push(...pictures);
    this.#list.append(...pictures.map((picture) => this.#item(picture)));
    announce(`${pictures.map(({ name }) => name).join(', ')} added.`);
    this.options.onChange();
  }

  /** Hands the pictures over; their addresses stay good. */
  take(): Picture[] {
    const taken = this.#pictures;
    this.#pictures = [];
    this.#list.replaceChildren();
    this.options.onChange();
    return taken;
  }

  /** Another model counts otherwise. */
  recount(): void {
    const items = this.#pictures.map((picture) => this.#item(picture));
    this.#list.replaceChildren(...items);
  }

  #item(picture: Picture): HTMLLIElement {
    const { name, width, height, file, url } = picture;
    const maxSidePx = this.options.maxSidePx();
    const isTooLarge = maxSidePx !== undefined && tooLargeImage(picture, maxSidePx) !== undefined;
    const tokens = element('span');
    const facts = element('p', {}, `${width}×${height} · ${bytes(file.size)}`, tokens);
    const remove = button('×', () => this.#remove(picture, item), { 'aria-label': `Remove ${name}` });
    const item = element(
      'li',
      { class: isTooLarge ? 'bad' : '' },
      element('img', { src: url, alt: '', decoding: 'async' }),
      element('div', { class: 'facts' }, element('p', { class: 'name', title: name }, name), facts),
      remove,
    );
    item.addEventListener('keydown', (event) => {
      if (event.key === 'Delete' || event.key === 'Backspace') this.#remove(picture, item);
    });
    this.options.estimate(picture).then(
      (found) => {
        if (found !== undefined) tokens.textContent = ` · ${count(found)} tokens`;
      },
      // Only an estimate; what is wrong with the key or the model is said when the question is sent.
      () => undefined,
    );
    return item;
  }

  #remove(picture: Picture, item: HTMLLIElement): void {
    const next = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    this.#pictures = this.#pictures.filter(({ id }) => id !== picture.id);
    URL.revokeObjectURL(picture.url);
    (next?.querySelector('button') ?? byId('prompt', HTMLTextAreaElement)).focus();
    announce(`${picture.name} removed.`);
    this.options.onChange();
  }
}
