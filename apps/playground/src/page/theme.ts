import { byId } from './elements.js';

const STORED = 'fovea-theme';
const isTheme = (value: string | null): value is 'light' | 'dark' => value === 'light' || value === 'dark';

/** The system's theme until the user chooses the other one. */
export function startTheme(): void {
  const toggle = byId('theme', HTMLButtonElement);
  const system = matchMedia('(prefers-color-scheme: dark)');
  const current = (): 'light' | 'dark' => {
    const stored = localStorage.getItem(STORED);
    return isTheme(stored) ? stored : system.matches ? 'dark' : 'light';
  };
  const show = (): void => {
    document.documentElement.dataset.theme = current();
    toggle.setAttribute('aria-label', `Theme: ${current()}. Change it`);
  };
  toggle.addEventListener('click', () => {
    localStorage.setItem(STORED, current() === 'dark' ? 'light' : 'dark');
    show();
  });
  system.addEventListener('change', show);
  show();
}
