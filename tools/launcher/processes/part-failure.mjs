/** A child did not start, or ended although it should run; carries what a reader needs to see why. */
export class PartFailure extends Error {
  /** @override */
  name = 'PartFailure';

  /**
   * @param {string} message
   * @param {{ logPath: string, tail: readonly string[] }} log
   */
  constructor(message, { logPath, tail }) {
    super(message);
    this.logPath = logPath;
    this.tail = tail;
  }

  /** The message, the last lines of the log, and where the rest stands. */
  format() {
    const lines = this.tail.map((line) => `    ${line}`);
    return [this.message, ...lines, `  whole log: ${this.logPath}`].join('\n');
  }
}
