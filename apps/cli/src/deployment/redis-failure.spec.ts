import { describe, expect, it } from '@jest/globals';
import { exitCodes, Failure } from '../failure.js';
import { LastError } from './redis-failure.js';

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe('LastError', () => {
  it.each([
    [named('ReplyError', 'NOAUTH Authentication required.'), 'asks for a password'],
    [named('ReplyError', 'WRONGPASS invalid username-password pair'), 'does not take the password'],
    [named('ReplyError', 'NOPERM this user has no permissions'), 'may not do that'],
    [new Error('Command timed out'), 'no answer in time'],
    [Object.assign(new Error('connect'), { code: 'ENOTFOUND' }), 'unknown host'],
  ])('tells %s in words without address or password', (error, words) => {
    const failure = new LastError().failure(error);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({
      exitCode: exitCodes.unreachable,
      message: expect.stringContaining(words),
    });
  });

  it('goes by what the connection said when a command was given up', () => {
    const last = new LastError();
    last.note(Object.assign(new Error('connect 10.0.0.1:6379'), { code: 'ECONNREFUSED' }));
    const failure = last.failure(named('MaxRetriesPerRequestError', 'Reached the max retries'));
    expect(failure).toMatchObject({ message: expect.stringContaining('connection refused') });
    expect(failure).not.toMatchObject({ message: expect.stringContaining('10.0.0.1') });
  });

  it('hides neither a sentence that is already one nor a bug', () => {
    const sentence = new Failure(exitCodes.refused, 'There is no lane.');
    const bug = new TypeError('undefined is not a function');
    expect(new LastError().failure(sentence)).toBe(sentence);
    expect(new LastError().failure(bug)).toBe(bug);
  });
});
