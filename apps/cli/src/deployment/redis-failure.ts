import { codeOf, exitCodes, Failure } from '../failure.js';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the host name cannot be looked up',
  ECONNRESET: 'connection reset',
  ETIMEDOUT: 'no connection in time',
};

/** Why Redis cannot be used, in words that hold no address and no password. */
export function redisReason(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (/NOAUTH/.test(message)) return 'it asks for a password that REDIS_URL does not have';
  if (/WRONGPASS|invalid (username-)?password|invalid username/i.test(message)) {
    return 'it does not take the password of REDIS_URL';
  }
  if (/NOPERM/.test(message)) return 'the user of REDIS_URL may not do that';
  return reasons[codeOf(error)] ?? (codeOf(error) || 'no answer in time');
}

/** By name: a refusal of the server, or the end of ioredis' patience; else by what the connection says. */
const isOfRedis = (error: unknown): boolean =>
  error instanceof Error &&
  (/^(ReplyError|MaxRetriesPerRequestError|AbortError)$/.test(error.name) ||
    /^(Command timed out|Connection is closed|Stream isn't writeable)/.test(error.message) ||
    codeOf(error) in reasons);

/** Remembers why a connection fails: a command that is given up only says that it was. */
export class LastError {
  #error: Error | undefined;

  readonly note = (error: Error): void => {
    this.#error = error;
  };

  reason(error: unknown): string {
    return redisReason(this.#error ?? error);
  }

  /** What the user should read; an error that is none of Redis' or its connection's is a bug and comes back as it is. */
  failure(error: unknown): unknown {
    if (!isOfRedis(error)) return error;
    return new Failure(
      exitCodes.unreachable,
      `Redis of REDIS_URL cannot be used: ${this.reason(error)}. Is it running there?`,
      { cause: error },
    );
  }
}
