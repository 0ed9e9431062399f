import { copyText } from '../page/copy-text.js';
import { button, element } from '../page/elements.js';
import { showProblem } from '../page/problem-view.js';
import type { Picture } from '../pictures/picture.js';
import type { Problem } from '../wire/problem.js';
import type { Reply } from './ask.js';
import { figuresOf } from './figures.js';
import { MarkdownView } from './markdown-view.js';

/** What the user said. */
export function userTurn(text: string, pictures: readonly Picture[]): HTMLLIElement {
  const images = pictures.map(({ url, name, width, height }) =>
    element('img', { src: url, alt: name, width: `${width}`, height: `${height}` }),
  );
  return element(
    'li',
    { class: 'turn user' },
    element('span', { class: 'hidden' }, 'You'),
    ...(images.length > 0 ? [element('div', { class: 'shown' }, ...images)] : []),
    ...(text === '' ? [] : [element('div', { class: 'said' }, text)]),
  );
}

/** Reasons that are worth telling; `stop` is the usual one. */
const endings: Readonly<Record<string, string>> = {
  length: 'cut off at the most tokens',
  content_filter: 'cut off by a filter',
  tool_calls: 'asks for a tool',
};

/** An answer that grows. It is drawn at most once per frame. */
export class AnswerView {
  readonly item: HTMLLIElement;
  readonly #waiting = element('span', { class: 'waiting', 'aria-hidden': 'true' });
  readonly #answer = element('div', { class: 'answer' });
  readonly #thought = element('div');
  readonly #thinking = element(
    'details',
    { class: 'thinking' },
    element('summary', {}, 'Thinking'),
    this.#thought,
  );
  readonly #figures = element('p', { class: 'figures' });
  readonly #problem = element('div', { class: 'problem', role: 'alert' });
  readonly #markdown = new MarkdownView(this.#answer);
  #frame: number | undefined;

  constructor(
    model: string,
    private readonly onDraw: () => void,
  ) {
    const name = element('span', { class: 'hidden' }, `${model} answers`);
    this.#thinking.hidden = true;
    this.#problem.hidden = true;
    this.item = element(
      'li',
      { class: 'turn assistant' },
      name,
      this.#waiting,
      this.#thinking,
      this.#answer,
      this.#problem,
      this.#figures,
    );
  }

  show(reply: Reply): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#draw(reply);
    });
  }

  /** The last word on it. */
  end(reply: Reply, how: { readonly isStopped: boolean; readonly problem?: Problem }): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#draw(reply);
    this.#waiting.remove();
    if (how.problem !== undefined) showProblem(this.#problem, how.problem);
    const ending = how.isStopped ? 'stopped' : endings[reply.finishReason ?? ''];
    const notes = ending === undefined ? [] : [element('span', {}, ending)];
    const { text } = reply;
    const copy = button('copy', () => void copyText(text, copy), {
      class: 'link',
      'aria-label': 'Copy the answer',
    });
    if (text !== '') notes.push(element('span', {}, copy));
    this.#figures.append(...notes);
  }

  #draw({ text, reasoning, course }: Reply): void {
    this.#markdown.show(text);
    this.#thinking.hidden = reasoning === '';
    this.#thought.textContent = reasoning;
    if (text !== '' || reasoning !== '') this.#waiting.remove();
    const figures = figuresOf(course).map(({ value, name }) =>
      element('span', {}, element('b', {}, value), ` ${name}`),
    );
    this.#figures.replaceChildren(...figures);
    this.onDraw();
  }
}
