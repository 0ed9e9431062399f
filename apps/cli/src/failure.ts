/** Exit codes of `fovea`; `fovea --help` lists them, so scripts may rely on them. */
export const exitCodes = {
  done: 0,
  /** What was looked at or waited for is not in order; or a bug, which shows its stack. */
  failed: 1,
  /** Wrong arguments, or a local file that cannot be used. Nothing was sent. */
  usage: 2,
  /** The gateway answered with an error. */
  refused: 3,
  /** Nothing that speaks the API answered at the address; or Redis did not. */
  unreachable: 4,
  /** The answer began and then broke off; what came before is on stdout. */
  interrupted: 5,
  /** Ctrl-C. */
  cancelled: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something the user should read as a sentence, with the exit code that belongs to it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The command has said all there is to say; only the exit code is left. */
export class SilentFailure extends Failure {
  constructor(exitCode: ExitCode) {
    super(exitCode, '');
  }
}

/** The `code` of a system or library error (`ENOENT`, `UND_ERR_SOCKET`), or an empty string. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

/** Why a local file cannot be used, as the end of a sentence. */
export function fileReason(error: unknown): string {
  const code = codeOf(error);
  return reasons[code] ?? (code || 'unknown reason');
}
