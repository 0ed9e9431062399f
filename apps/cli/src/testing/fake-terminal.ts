import { tmpdir } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { deploymentPorts } from '../compose.js';
import type { Terminal } from '../terminal/terminal.js';

class Capture extends Writable {
  text = '';
  constructor(readonly isTTY: boolean) {
    super({ decodeStrings: false });
  }
  override _write(piece: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += piece;
    this.emit('captured');
    done();
  }
}

export interface FakeTerminal extends Terminal {
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly cancel: AbortController;
}

interface FakeTerminalOptions {
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly cwd?: string;
  readonly isTTY?: boolean;
}

/** A terminal that keeps what is written to it. Its key is `k` unless `env` says otherwise. */
export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  const cancel = new AbortController();
  return {
    stdin: Readable.from([options.stdin ?? '']),
    stdout: new Capture(options.isTTY ?? false),
    stderr: new Capture(options.isTTY ?? false),
    cwd: options.cwd ?? tmpdir(),
    env: options.env ?? { FOVEA_API_KEY: 'k' },
    signal: cancel.signal,
    ports: deploymentPorts,
    cancel,
  };
}
