import { byId } from '../page/elements.js';

const picturesIn = (files: FileList | undefined): File[] => [...(files ?? [])];

/** Three ways in: the file dialog, the clipboard, dropping onto the page. */
export function startIntake(add: (files: File[]) => void, isWanted: () => boolean): void {
  const input = byId('pictures', HTMLInputElement);
  byId('pictures-choose', HTMLButtonElement).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    add(picturesIn(input.files ?? undefined));
    // So that the same file can be chosen again.
    input.value = '';
  });
  document.addEventListener('paste', (event) => {
    const files = picturesIn(event.clipboardData?.files);
    if (files.length === 0 || !isWanted()) return;
    event.preventDefault();
    add(files);
  });
  startDropping(add, isWanted);
}

function startDropping(add: (files: File[]) => void, isWanted: () => boolean): void {
  const drop = byId('drop', HTMLElement);
  let depth = 0;
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  const show = (change: number): void => {
    depth = Math.max(0, depth + change);
    drop.hidden = depth === 0 || !isWanted();
  };
  document.addEventListener('dragenter', (event) => hasFiles(event) && show(1));
  document.addEventListener('dragleave', (event) => hasFiles(event) && show(-1));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    // Else the browser would leave the page for the file.
    event.preventDefault();
    show(-depth);
    const files = picturesIn(event.dataTransfer?.files);
    if (files.length > 0 && isWanted()) add(files);
  });
}
