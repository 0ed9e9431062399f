import { withoutControlCharacters } from './terminal.js';

/** Columns in lines, the first row being their names; also a pipe gets them, so `awk '{print $1}'` works. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => withoutControlCharacters(cell).replaceAll(/[\t\n]/g, ' ')),
  );
  const widths = (cells[0] ?? []).map((_name, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ');
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('');
}
