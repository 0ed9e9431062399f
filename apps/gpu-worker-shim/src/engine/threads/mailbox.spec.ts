import { describe, expect, it } from '@jest/globals';
import { Mailbox } from './mailbox.js';

describe('a mailbox', () => {
  it('gives items in order, to a reader who comes before or after them', async () => {
    const mailbox = new Mailbox<number>();
    const early = mailbox.take();
    mailbox.put(1);
    mailbox.put(2);
    expect([await early, await mailbox.take()]).toEqual([1, 2]);
  });

  it('gives what was put before a failure, then the failure, again and again', async () => {
    const mailbox = new Mailbox<number>();
    mailbox.put(1);
    mailbox.fail(new Error('first'));
    mailbox.fail(new Error('second'));
    expect(await mailbox.take()).toBe(1);
    await expect(mailbox.take()).rejects.toThrow('first');
    await expect(mailbox.take()).rejects.toThrow('first');
  });

  it('wakes a waiting reader with a failure', async () => {
    const mailbox = new Mailbox<number>();
    const waiting = mailbox.take();
    mailbox.fail(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  });
});
