import { announce } from './elements.js';

const SHOWN_MS = 1500;

/** Puts text on the clipboard and says so on the button. Over plain HTTP browsers offer only the older way. */
export async function copyText(text: string, from: HTMLButtonElement): Promise<void> {
  const isCopied = await write(text);
  const label = from.dataset.label ?? from.textContent ?? '';
  from.dataset.label = label;
  from.textContent = isCopied ? 'copied' : 'not allowed';
  announce(isCopied ? 'Copied.' : 'The browser does not allow copying.');
  setTimeout(() => {
    from.textContent = label;
  }, SHOWN_MS);
}

async function write(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard === undefined) return writeBySelection(text);
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeBySelection(text);
  }
}

function writeBySelection(text: string): boolean {
  const onCopy = (event: ClipboardEvent): void => {
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
  };
  document.addEventListener('copy', onCopy, { once: true });
  const isCopied = document.execCommand('copy');
  document.removeEventListener('copy', onCopy);
  return isCopied;
}
