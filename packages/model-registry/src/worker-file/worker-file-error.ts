/** What is wrong in a worker file. */
export interface WorkerFileProblem {
  /** `queue.models."x".chat_task.supported`, or `line 3, column 7` when the text is not TOML. */
  readonly where: string;
  /** What stands there, without anything that may be a secret. */
  readonly found: string;
  readonly expected: string;
}

/** Everything that is wrong with one worker file, at once. */
export class WorkerFileError extends Error {
  override readonly name = 'WorkerFileError';
  readonly path: string;
  readonly problems: readonly WorkerFileProblem[];

  constructor(path: string, problems: readonly WorkerFileProblem[]) {
    super(`${path}: ${problems.map((problem) => problem.where).join(', ')}`);
    this.path = path;
    this.problems = problems;
  }

  /** One list for stderr, a line per problem. */
  format(): string {
    const lines = this.problems.map(
      ({ where, found, expected }) => `  ${where}: found ${found}, expected ${expected}`,
    );
    return [`${this.path} cannot be used:`, ...lines].join('\n');
  }
}
