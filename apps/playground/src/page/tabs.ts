import { byId } from './elements.js';
import type { Task } from './model-picker.js';

const tasks: readonly Task[] = ['chat', 'transcribe'];
const tabOf = (task: Task): HTMLButtonElement => byId(`tab-${task}`, HTMLButtonElement);

/** The two tasks as tabs (WAI-ARIA tabs: arrows move, the chosen one is in the tab order). */
export class Tabs {
  #task: Task = 'chat';

  constructor(private readonly onChoose: (task: Task) => void) {
    for (const task of tasks) {
      tabOf(task).addEventListener('click', () => this.choose(task));
      tabOf(task).addEventListener('keydown', (event) => this.#onKey(event));
    }
  }

  get task(): Task {
    return this.#task;
  }

  choose(task: Task): void {
    this.#task = task;
    for (const other of tasks) {
      const isChosen = other === task;
      tabOf(other).setAttribute('aria-selected', `${isChosen}`);
      tabOf(other).tabIndex = isChosen ? 0 : -1;
      byId(`panel-${other}`, HTMLElement).hidden = !isChosen;
    }
    byId('options', HTMLFormElement).hidden = task !== 'chat';
    byId('options-toggle', HTMLButtonElement).hidden = task !== 'chat';
    this.onChoose(task);
  }

  /** A task that no model can do cannot be chosen. */
  enable(task: Task, isOffered: boolean): void {
    const tab = tabOf(task);
    tab.disabled = !isOffered;
    tab.title = isOffered ? '' : 'No model offers this.';
    if (!isOffered && this.#task === task) this.choose('chat');
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other: Task = this.#task === 'chat' ? 'transcribe' : 'chat';
    if (tabOf(other).disabled) return;
    event.preventDefault();
    this.choose(other);
    tabOf(other).focus();
  }
}
