import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openLog } from './log-file.mjs';

/** @typedef {import('./process-group.mjs').ProcessGroup} ProcessGroup */

const guardPath = fileURLToPath(new URL('../guard.mjs', import.meta.url));

/**
 * The launcher's end of the pipe to its guard. The pipe is the whole protocol: one JSON line per change,
 * and its end without a farewell means that the launcher was killed.
 */
export class GuardLink {
  #pipe;
  #exited;
  #closing = false;
  /** Resolves when the guard ended although nobody said farewell: from then on a killed launcher leaves orphans. */
  lost;

  /** @param {string} logPath */
  constructor(logPath) {
    const log = openLog(logPath);
    // Detached: a session of its own, so that no Ctrl-C and no closing terminal reaches it.
    const child = spawn(process.execPath, [guardPath], { detached: true, stdio: ['pipe', log, log] });
    closeSync(log);
    this.#pipe = /** @type {import('node:stream').Writable} */ (child.stdin);
    this.#pipe.on('error', () => {});
    this.#exited = once(child, 'exit').catch(() => {});
    /** @type {Promise<void>} */
    this.lost = new Promise((resolve) => {
      void this.#exited.then(() => {
        if (!this.#closing) resolve();
      });
    });
  }

  /** @param {ProcessGroup} group */
  watch(group) {
    this.#send({ watch: group });
  }

  /** @param {number} pid */
  forget(pid) {
    this.#send({ forget: pid });
  }

  /** Says farewell and waits until the guard is gone. */
  async close() {
    this.#closing = true;
    this.#send({ farewell: true });
    this.#pipe.end();
    await this.#exited;
  }

  /** @param {object} message */
  #send(message) {
    this.#pipe.write(`${JSON.stringify(message)}\n`);
  }
}
