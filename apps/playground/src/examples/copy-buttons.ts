import type { Question } from '../chat/conversation.js';
import { copyText } from '../page/copy-text.js';
import { byId } from '../page/elements.js';
import { asCurl } from './as-curl.js';
import { asPython } from './as-python.js';

/** Lets the question of the moment be taken elsewhere. */
export function startCopyButtons(question: () => Question): void {
  for (const [id, write] of [['copy-curl', asCurl] as const, ['copy-python', asPython] as const]) {
    const copy = byId(id, HTMLButtonElement);
    copy.addEventListener('click', () => void copyText(write(question(), location.origin), copy));
  }
}
