import { describe, expect, it } from '@jest/globals';
import { FakeTokenStream } from '../fakes/fake-token-stream.js';
import { RunningGenerations } from '../generation/running-generations.js';
import { GenerationStop } from '../generation/triggers/generation-stop.js';
import { InterestWatch } from './interest-watch.js';

const stopped = (stop: GenerationStop): Promise<void> =>
  new Promise((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });

describe('InterestWatch', () => {
  it('cancels what runs and nobody waits for, and nothing else', async () => {
    const stream = new FakeTokenStream();
    const running = new RunningGenerations();
    const wanted = new GenerationStop();
    const unwanted = new GenerationStop();
    running.add('wanted', wanted);
    running.add('unwanted', unwanted);
    const watch = new InterestWatch(stream, running, { intervalMs: 1, onError: () => undefined });
    watch.start();
    stream.forgotten.add('unwanted');
    await stopped(unwanted);
    await watch.stop();
    expect(unwanted.cause).toBe('cancelled');
    expect(wanted.cause).toBeUndefined();
  });

  it('goes on after the leases could not be read', async () => {
    const stream = new FakeTokenStream();
    const running = new RunningGenerations();
    const unwanted = new GenerationStop();
    running.add('unwanted', unwanted);
    const lapsed = stream.lapsed.bind(stream);
    stream.lapsed = () => Promise.reject(new Error('LOADING'));
    const errors: unknown[] = [];
    const watch = new InterestWatch(stream, running, {
      intervalMs: 1,
      onError: (error) => {
        errors.push(error);
        stream.lapsed = lapsed;
        stream.forgotten.add('unwanted');
      },
    });
    watch.start();
    await stopped(unwanted);
    await watch.stop();
    expect(errors).toHaveLength(1);
  });
});
