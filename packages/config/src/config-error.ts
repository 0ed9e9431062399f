/** What is wrong with one variable, or with several together. */
export interface ConfigProblem {
  /** Name of the variable; of a cross-check: all names, separated by ", ". */
  readonly variable: string;
  /** What stands there; never a secret's value. */
  readonly found: string;
  readonly expected: string;
}

/** Everything that is wrong with the environment, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${problems
        .map((problem) => problem.variable)
        .join(', ')}`,
    );
    this.problems = problems;
  }

  /** One list for stderr, a line per problem. */
  format(): string {
    const lines = this.problems.map(
      ({ variable, found, expected }) => `  ${variable}: found ${found}, expected ${expected}`,
    );
    return [
      `The configuration has ${lines.length === 1 ? 'a problem' : `${lines.length} problems`}:`,
      ...lines,
    ].join('\n');
  }
}
