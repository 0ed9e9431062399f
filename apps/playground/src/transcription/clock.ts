/** Seconds as `00:01:02,345`; hours may have more than two digits. */
export function cueClock(seconds: number, separator: ',' | '.'): string {
  const ms = Math.round(seconds * 1000);
  return `${clock(ms)}${separator}${pad(ms % 1000, 3)}`;
}

/** Seconds as `1:02.3`, or `1:00:02.3` from an hour on. */
export function shortClock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const whole = clock(tenths * 100)
    .replace(/^00:/, '')
    .replace(/^0/, '');
  return `${whole}.${tenths % 10}`;
}

const pad = (value: number, digits = 2): string => `${Math.floor(value)}`.padStart(digits, '0');

const clock = (ms: number): string =>
  [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map((value) => pad(value)).join(':');
