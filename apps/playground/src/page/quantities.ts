const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const KIB = 1024;

/** `1,234`. */
export const count = (value: number): string => plain.format(value);

/** Bytes as `912 B`, `3.4 KiB`, `128 MiB`. */
export function bytes(value: number): string {
  if (value < KIB) return `${value} B`;
  const [size, unit] = value < KIB * KIB ? [value / KIB, 'KiB'] : [value / (KIB * KIB), 'MiB'];
  return `${size >= 1000 ? plain.format(size) : precise.format(size)} ${unit}`;
}

/** Milliseconds as `312 ms`, `1.25 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${precise.format(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
