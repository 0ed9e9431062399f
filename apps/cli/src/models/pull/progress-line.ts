import type { Terminal } from '../../terminal/terminal.js';

const BAR_CELLS = 20;
const REDRAW_MS = 100;
const BYTES_PER_MB = 1e6;

const megabytes = (bytes: number): string => (bytes / BYTES_PER_MB).toFixed(1);

/** One line on the standard error stream that is drawn again and again; nothing where that is no terminal. */
export class ProgressLine {
  private drawnAtMs = 0;

  constructor(private readonly terminal: Terminal) {}

  /** `done` and `total` in bytes. Draws at most ten times in a second, and always at the end. */
  show(name: string, done: number, total: number): void {
    const nowMs = performance.now();
    if (done < total && nowMs - this.drawnAtMs < REDRAW_MS) return;
    this.drawnAtMs = nowMs;
    const share = total === 0 ? 1 : done / total;
    const cells = Math.floor(share * BAR_CELLS);
    const bar = '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells);
    this.draw(`${bar} ${Math.floor(share * 100)} %  ${megabytes(done)} of ${megabytes(total)} MB  ${name}`);
  }

  clear(): void {
    this.draw('');
  }

  private draw(text: string): void {
    if (this.terminal.stderr.isTTY === true) this.terminal.stderr.write(`\r\u001b[K${text}`);
  }
}
