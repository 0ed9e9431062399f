import { describe, expect, it } from '@jest/globals';
import { WorkerLink } from './worker-link.js';

const script = '../src/engine/testing/scripted-thread.mjs';

/** A linked thread, what it said, and how it died if it did. */
async function start(settings: string) {
  const messages: unknown[] = [];
  let tell: () => void = () => undefined;
  const heard = new Promise<void>((resolve) => {
    tell = resolve;
  });
  let die: (error: Error) => void = () => undefined;
  const death = new Promise<Error>((resolve) => {
    die = resolve;
  });
  let deaths = 0;
  const { link, facts } = await WorkerLink.start<unknown, string>(script, settings, {
    onMessage: (message) => {
      messages.push(message);
      tell();
    },
    onDeath: (error) => {
      deaths += 1;
      die(error);
    },
  });
  return { link, facts, messages, heard, death, deaths: () => deaths };
}

describe('a linked thread', () => {
  it('is ready with its facts, takes messages, and closes when asked to, which is no death', async () => {
    const { link, facts, messages, heard, deaths } = await start('serve');
    expect(facts).toBe('facts');
    link.post('hello');
    await heard;
    expect(messages).toEqual(['hello']);
    await link.close();
    await link.close();
    expect(link.isAlive).toBe(false);
    expect(deaths()).toBe(0);
  });

  it('that refuses or crashes at its start is told with the reason', async () => {
    await expect(start('refuse')).rejects.toThrow('no graph');
    await expect(start('crash at start')).rejects.toThrow('bad file');
  });

  it.each(['die', 'leave'])('that goes by itself is told as a death (%s)', async (message) => {
    const { link, death, deaths } = await start('serve');
    link.post(message);
    expect((await death).message).toContain('left with code');
    expect(link.isAlive).toBe(false);
    expect(deaths()).toBe(1);
  });
});
