import type { Output } from './terminal.js';

const codes = { green: 32, yellow: 33, red: 31, dim: 2 } as const;
export type Colour = keyof typeof codes;

/**
 * Colours text for a terminal, and leaves it alone for everything else and wherever `NO_COLOR` is set to something
 * (no-color.org).
 */
export function painter(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
): (text: string, colour: Colour) => string {
  const isPlain = output.isTTY !== true || Boolean(env.NO_COLOR) || env.TERM === 'dumb';
  return (text, colour) => (isPlain ? text : `\u001b[${codes[colour]}m${text}\u001b[0m`);
}
