import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cutLog, lastLines, openLog } from './log-file.mjs';
import { PartFailure } from './part-failure.mjs';
import { startTimeOf } from './process-identity.mjs';
import { signalProcess, stopGroups } from './stop-groups.mjs';
import { StopRequested } from './stop-signals.mjs';

/**
 * A program the launcher runs.
 * @typedef {object} Command
 * @property {string} name Names the log file too.
 * @property {string} command
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, string | undefined>>} env The whole environment of the child.
 * @property {string} [argv0]
 * @property {string} [cwd]
 * @property {boolean} [isShown] Writes to the terminal instead of a log.
 * @property {string} [stdin] Text the child reads: the way for secrets, which must not stand on a command line.
 * @property {number} drainMs
 * @property {number} stage Lower stages are stopped first.
 * @property {number} [timeoutMs] `run` kills it then.
 * @property {(failure: PartFailure) => void} [onEnded] Told when the part ends by itself after it was ready; the others
 *   go on. Left out, its end is a failure of the whole.
 */

/**
 * @typedef {object} Readiness
 * @property {(signal: AbortSignal) => Promise<boolean>} isReady Asked again until it says yes.
 * @property {number} timeoutMs
 */

/**
 * @typedef {object} Running
 * @property {import('./process-group.mjs').ProcessGroup} group
 * @property {string} logPath
 * @property {boolean} mayEnd
 * @property {boolean} isReady
 * @property {Command['onEnded']} onEnded
 * @property {Promise<string>} ended How it ended, in words.
 */

const readyPollMs = 100;
const logCheckMs = 30_000;
const logMaxBytes = 64 * 1024 * 1024;

/**
 * Runs children in process groups of their own, tells the guard and the lock about each of them, and stops them in
 * order. Only `stop` ends a long-running part: any other end of one is reported, through `onEnded` where the others can
 * go on without it, else through `failure`.
 */
export class Supervisor {
  /** @type {Map<number, Running>} */
  #running = new Map();
  #stopping = false;
  #options;
  #logTimer;
  /** @type {(failure: PartFailure) => void} */
  #fail = () => {};
  /** Resolves with the first part that ended by itself. */
  failure = /** @type {Promise<PartFailure>} */ (new Promise((resolve) => (this.#fail = resolve)));

  /**
   * @param {object} options
   * @param {string} options.logFolder
   * @param {{ watch(group: import('./process-group.mjs').ProcessGroup): void, forget(pid: number): void }} options.guard
   * @param {{ record(groups: readonly import('./process-group.mjs').ProcessGroup[]): void } | undefined} options.lock
   * @param {AbortSignal} options.stop Ends all waiting for readiness and for commands.
   */
  constructor(options) {
    this.#options = options;
    this.#logTimer = setInterval(() => this.#cutLogs(), logCheckMs);
    this.#logTimer.unref();
  }

  /** True while any child runs. */
  get isBusy() {
    return this.#running.size > 0;
  }

  /**
   * Starts a long-running part and waits until it is ready.
   * @param {Command} command
   * @param {Readiness} readiness
   * @throws {PartFailure} when it ends first or is not ready in time
   */
  async start(command, { isReady, timeoutMs }) {
    const running = this.#spawn(command, false);
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([this.#options.stop, deadline]);
    const ended = running.ended.then((how) => ({ how }));
    for (;;) {
      const outcome = await Promise.race([ended, isReady(signal)]);
      if (outcome === true) {
        running.isReady = true;
        return;
      }
      if (typeof outcome === 'object')
        throw this.#failureOf(running, `${command.name} ended while starting (${outcome.how})`);
      this.#options.stop.throwIfAborted();
      if (deadline.aborted)
        throw this.#failureOf(running, `${command.name} was not ready after ${timeoutMs / 1000} s`);
      await Promise.race([ended, sleep(readyPollMs)]);
    }
  }

  /**
   * Runs a command to its end.
   * @param {Command} command
   * @throws {PartFailure} when its exit code is not 0, or it takes longer than its `timeoutMs`
   */
  async run(command) {
    const running = this.#spawn(command, true);
    const { timeoutMs } = command;
    const kill = () => signalProcess(-running.group.pid, 'SIGKILL');
    const timer = timeoutMs === undefined ? undefined : setTimeout(kill, timeoutMs);
    const how = await Promise.race([running.ended, aborted(this.#options.stop)]);
    clearTimeout(timer);
    this.#options.stop.throwIfAborted();
    if (how !== 'exit code 0') throw this.#failureOf(running, `${command.name} failed (${how})`);
  }

  /**
   * Stops everything, stage after stage.
   * @param {import('./stop-groups.mjs').StopOptions} [options]
   */
  async stop(options) {
    this.#stopping = true;
    clearInterval(this.#logTimer);
    const running = [...this.#running.values()];
    await stopGroups(
      running.map(({ group }) => group),
      options,
    );
    await Promise.all(running.map(({ ended }) => ended));
  }

  /**
   * @param {Command} command
   * @param {boolean} mayEnd
   * @returns {Running}
   */
  #spawn(command, mayEnd) {
    this.#options.stop.throwIfAborted();
    // A part failed: whoever was about to start the next one comes too late.
    if (this.#stopping) throw new StopRequested();
    const logPath = join(this.#options.logFolder, `${command.name}.log`);
    const log = command.isShown === true ? undefined : openLog(logPath);
    const output = log ?? 'inherit';
    const child = spawn(command.command, [...command.args], {
      ...(command.argv0 === undefined ? {} : { argv0: command.argv0 }),
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      env: command.env,
      detached: true,
      stdio: [command.stdin === undefined ? 'ignore' : 'pipe', output, output],
    });
    if (log !== undefined) closeSync(log);
    const ended = endOf(child);
    child.stdin?.on('error', () => {});
    child.stdin?.end(command.stdin);
    const pid = child.pid ?? 0;
    const group = {
      name: command.name,
      pid,
      startTime: startTimeOf(pid) ?? '',
      stage: command.stage,
      drainMs: command.drainMs,
    };
    const running = { group, logPath, mayEnd, isReady: false, onEnded: command.onEnded, ended };
    if (pid > 0) this.#remember(running);
    void ended.then((how) => this.#forget(running, how));
    return running;
  }

  /** @param {Running} running */
  #remember(running) {
    this.#running.set(running.group.pid, running);
    this.#options.guard.watch(running.group);
    this.#record();
  }

  /**
   * @param {Running} running
   * @param {string} how
   */
  #forget(running, how) {
    const { pid, name } = running.group;
    if (this.#running.delete(pid)) {
      // Its group is still ours to end: no other process can have the number while a member is left.
      signalProcess(-pid, 'SIGKILL');
      this.#options.guard.forget(pid);
      this.#record();
    }
    if (running.mayEnd || this.#stopping) return;
    const failure = this.#failureOf(running, `${name} ended (${how})`);
    if (running.isReady && running.onEnded !== undefined) running.onEnded(failure);
    else this.#fail(failure);
  }

  #record() {
    this.#options.lock?.record([...this.#running.values()].map(({ group }) => group));
  }

  #cutLogs() {
    for (const { logPath } of this.#running.values()) cutLog(logPath, logMaxBytes);
  }

  /**
   * @param {Running} running
   * @param {string} message
   */
  #failureOf({ logPath }, message) {
    return new PartFailure(message, { logPath, tail: lastLines(logPath) });
  }
}

/**
 * How a child ended, in words; a program that could not be started counts as ended.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<string>}
 */
function endOf(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

/** @param {AbortSignal} signal */
async function aborted(signal) {
  if (!signal.aborted) await once(signal, 'abort');
}
