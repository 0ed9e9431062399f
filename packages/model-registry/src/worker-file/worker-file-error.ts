import { type Position, positionText } from './key-positions.js';

/** What is wrong in a worker file. */
export interface WorkerFileProblem {
  /** `queue.models."x".chat_task.supported`, or `the file` when the text is not TOML. */
  readonly where: string;
  /** Of the key, or of the table that lacks it; absent when the whole file does. */
  readonly position?: Position;
  /** What stands there, without anything that may be a secret. */
  readonly found: string;
  readonly expected: string;
}

/** Everything that is wrong with one worker file, at once. */
export class WorkerFileError extends Error {
  override readonly name = 'WorkerFileError';
  readonly path: string;
  readonly problems: readonly WorkerFileProblem[];
  /** What would be ignored besides: a misspelt key is often why another one is missing. */
  readonly warnings: readonly string[];

  constructor(path: string, problems: readonly WorkerFileProblem[], warnings: readonly string[] = []) {
    super(`${path}: ${problems.map((problem) => problem.where).join(', ')}`);
    this.path = path;
    this.problems = problems;
    this.warnings = warnings;
  }

  /** One list for stderr, a line per problem. */
  format(): string {
    const lines = this.problems.map(
      ({ where, position, found, expected }) =>
        `  ${where}${positionText(position)}: found ${found}, expected ${expected}`,
    );
    return [`${this.path} cannot be used:`, ...lines].join('\n');
  }
}
