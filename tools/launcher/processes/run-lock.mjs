import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { codeOf } from '../errors.mjs';
import { parseGroup } from './process-group.mjs';
import { isRunning, startTimeOf } from './process-identity.mjs';

/** @typedef {import('./process-group.mjs').ProcessGroup} ProcessGroup */
/** @typedef {{ readonly pid: number, readonly startTime: string, readonly groups: readonly ProcessGroup[] }} Owner */

/** Another process holds the lock. */
export class AlreadyRunningError extends Error {
  /** @override */
  name = 'AlreadyRunningError';

  /** @param {number} pid */
  constructor(pid) {
    super(`process ${pid} holds the lock`);
    this.pid = pid;
  }
}

/**
 * The right of one launcher to run in a checkout, and its list of children for whoever must clean up after it.
 * A lock whose owner is dead is taken over; what it had started is in `leftovers`.
 */
export class RunLock {
  /** @type {readonly ProcessGroup[]} */
  leftovers = [];
  #path;
  #self;

  /** @param {string} path */
  constructor(path) {
    this.#path = path;
    this.#self = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  }

  /**
   * Takes the lock.
   * @throws {AlreadyRunningError} when a living process holds it
   */
  acquire() {
    for (;;) {
      if (this.#create()) return;
      const found = readOwner(this.#path);
      if (found !== undefined && isRunning(found)) {
        throw new AlreadyRunningError(found.pid);
      }
      this.#setAside(found);
    }
  }

  /**
   * Writes down which children run now.
   * @param {readonly ProcessGroup[]} groups
   */
  record(groups) {
    const temporary = this.#writeBeside({ ...this.#self, groups });
    renameSync(temporary, this.#path);
  }

  release() {
    rmSync(this.#path, { force: true });
  }

  #create() {
    const temporary = this.#writeBeside({ ...this.#self, groups: this.leftovers });
    try {
      // A hard link appears with its content and only if the name is free: no half-written lock is ever seen.
      linkSync(temporary, this.#path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** @param {Owner | undefined} dead */
  #setAside(dead) {
    const aside = `${this.#path}.${randomUUID()}`;
    try {
      renameSync(this.#path, aside);
    } catch {
      return;
    }
    const moved = readOwner(aside);
    // Somebody else took the dead lock over between our look and our move: it is theirs, give it back.
    if (moved !== undefined && moved.pid !== dead?.pid && isRunning(moved)) renameSync(aside, this.#path);
    else {
      this.leftovers = [...this.leftovers, ...(moved?.groups ?? [])];
      rmSync(aside, { force: true });
    }
  }

  /** @param {Owner} owner */
  #writeBeside(owner) {
    const temporary = `${this.#path}.${randomUUID()}`;
    writeFileSync(temporary, JSON.stringify(owner), { mode: 0o600 });
    return temporary;
  }
}

/**
 * @param {string} path
 * @returns {Owner | undefined}
 */
function readOwner(path) {
  let value;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
  const { pid, startTime, groups } = value ?? {};
  if (typeof pid !== 'number' || typeof startTime !== 'string' || !Array.isArray(groups)) return undefined;
  return { pid, startTime, groups: groups.flatMap((group) => parseGroup(group) ?? []) };
}
