import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../scenario.js';
import { isAnswered, until } from './until.js';

export const repository = fileURLToPath(new URL('../../../..', import.meta.url));

/** Our own programs and preloads, by name. */
export const childScript = (name: string): string =>
  fileURLToPath(new URL(`../children/${name}.js`, import.meta.url));

const READY_TIMEOUT_MS = 60_000;
const LOG_TAIL_CHARS = 4_000;

export interface ChildOptions {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  /** The whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Scripts that are loaded before the program. */
  readonly preloads?: readonly string[];
  /** Open a channel for messages. */
  readonly hasChannel?: boolean;
  /** Answers 200 as soon as the program can be used. */
  readonly readyUrl?: string;
}

const running = new Set<ChildProcess>();
// The last resort: whatever the harness dies of, nothing it started lives on.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program that runs as a process of its own until the cleanup ends it. */
export class Child {
  #log = '';
  readonly #process: ChildProcess;

  private constructor(readonly options: ChildOptions) {
    const { script, args = [], env = {}, preloads = [], hasChannel = false } = options;
    const imports = preloads.flatMap((preload) => ['--import', preload]);
    this.#process = spawn(process.execPath, [...imports, script, ...args], {
      cwd: repository,
      env,
      stdio: ['ignore', 'pipe', 'pipe', ...(hasChannel ? (['ipc'] as const) : [])],
    });
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-LOG_TAIL_CHARS);
      });
    }
  }

  /** Starts it and waits until it is ready; throws with its last words when it ends or does not get ready. */
  static async start(options: ChildOptions, { cleanup, signal }: Bench): Promise<Child> {
    const child = new Child(options);
    cleanup.add(() => child.end());
    const { readyUrl } = options;
    if (readyUrl === undefined) return child;
    const isReady = async (): Promise<boolean> => {
      if (!child.isRunning) throw new Error(`${options.name} ended at once`);
      return isAnswered(readyUrl);
    };
    await until(`${options.name} to be ready`, isReady, { timeoutMs: READY_TIMEOUT_MS, signal }).catch(
      (cause: unknown) => {
        throw new Error(`${options.name} did not become ready:\n${child.#log}`, { cause });
      },
    );
    return child;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Its last words. */
  get log(): string {
    return this.#log;
  }

  /** Sends a message and resolves with the next one that comes back; rejects when the process ends instead. */
  async ask(message: string): Promise<unknown> {
    const left = new AbortController();
    const { signal } = left;
    try {
      const answer = once(this.#process, 'message', { signal }).then(([value]: unknown[]) => value);
      const exit = once(this.#process, 'exit', { signal }).then(() => {
        throw new Error(`${this.options.name} ended:\n${this.#log}`);
      });
      this.#process.send(message);
      return await Promise.race([answer, exit]);
    } finally {
      left.abort();
    }
  }

  /** Ends it at once: nothing of a benchmark is worth draining. */
  async end(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}
