import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { DeploymentPorts } from '../deployment/ports.js';

/** Where the command writes; only a TTY gets escapes removed and status lines. */
export type Output = Writable & { readonly isTTY?: boolean };

/** All that a command may know of the process it runs in. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Folder that relative paths and the search for `.fovea/` begin in. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** How it reaches what is behind the gateway. */
  readonly ports: DeploymentPorts;
}

// Everything that can move the cursor, recolour or retitle a terminal: C0 but tab and newline, DEL, C1.
const controlCharacters = /(?![\t\n])\p{Cc}/gu;

/** Text of a server without control characters: a model's answer must not steer the reader's terminal. */
export const withoutControlCharacters = (text: string): string => text.replace(controlCharacters, '');

/** Writes and waits for a slow reader. A pipe gets the text as it is, a terminal without control characters. */
export async function write(output: Output, text: string, signal: AbortSignal): Promise<void> {
  const safe = output.isTTY === true ? withoutControlCharacters(text) : text;
  if (!output.write(safe)) await once(output, 'drain', { signal });
}
