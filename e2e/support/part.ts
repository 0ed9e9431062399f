import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

const LOG_TAIL_CHARS = 8_000;
/** For a machine so busy that a model takes twenty seconds to load. */
const READY_LIMIT_MS = 150_000;

/** One of our processes, as an operator would run it: built code, environment, arguments, signals. */
export class Part {
  #log = '';
  readonly #child: ChildProcess;

  private constructor(
    readonly name: string,
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.#child = spawn(process.execPath, [script, ...args], {
      cwd: repository,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-LOG_TAIL_CHARS * 50);
      });
    }
  }

  /** Starts it and waits until `readyUrl` answers 200. */
  static async start(
    name: string,
    script: string,
    options: { args?: readonly string[]; env: Readonly<Record<string, string>>; readyUrl: string },
  ): Promise<Part> {
    const part = new Part(name, script, options.args ?? [], options.env);
    await until(
      `${name} to be ready`,
      async () => {
        if (!part.isRunning) return 'ended';
        return (await fetch(options.readyUrl)).status === 200 ? 'ready' : undefined;
      },
      READY_LIMIT_MS,
    )
      .then((state) => {
        if (state === 'ended') throw new Error(`it ended with code ${part.exitCode}`);
      })
      .catch(async (error: unknown) => {
        await part.end('SIGKILL');
        throw new Error(`${name} did not become ready:\n${part.log.slice(-LOG_TAIL_CHARS)}`, {
          cause: error,
        });
      });
    return part;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** What it wrote so far, newest last. */
  get log(): string {
    return this.#log;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}
