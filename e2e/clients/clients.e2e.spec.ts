import { describeIf, pythonClients } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Metrics } from '../support/metrics.js';
import { until } from '../support/until.js';
import { curlComesAgain, curlSuite } from './curl.js';
import { examplesSuite } from './examples.js';
import { openAiComesAgain, openAiNodeSuite } from './openai-node.js';
import {
  alephAlphaAsyncSuite,
  alephAlphaSyncSuite,
  langChainSuite,
  openAiPythonSuite,
} from './python-suites.js';
import { runPython } from './run-client.js';
import { vercelAiComesAgain, vercelAiSuite } from './vercel-ai.js';
import { ClientWorld, single } from './world.js';

describe('existing clients, with nothing changed but the base URL', () => {
  let started: ClientWorld | undefined;
  const world = (): ClientWorld => {
    if (started === undefined) throw new Error('the world has not started');
    return started;
  };
  beforeAll(async () => {
    started = await ClientWorld.start();
  }, 300_000);
  afterAll(() => started?.stop());

  alephAlphaSyncSuite(world);
  alephAlphaAsyncSuite(world);
  openAiPythonSuite(world);
  langChainSuite(world);
  openAiNodeSuite(world);
  vercelAiSuite(world);
  curlSuite(world);
  examplesSuite(world);

  describeIf(pythonClients, 'whoever meets a 503 with Retry-After', () => {
    const python = async (name: string): Promise<unknown> =>
      (await runPython(world(), 'come_again.py', name)).text;
    /** All ask at the same time; the worker comes when each has been refused. */
    let answers: Record<string, unknown>;
    beforeAll(async () => {
      await world().system.untilModel('latecomer', 'unavailable');
      const asking = Object.entries({
        'aleph-alpha-sync': python('aleph-alpha-sync'),
        'aleph-alpha-async': python('aleph-alpha-async'),
        openai: python('openai'),
        langchain: python('langchain'),
        'openai-node': openAiComesAgain(world()),
        'vercel-ai': vercelAiComesAgain(world()),
        curl: curlComesAgain(world()),
      }).map(async ([name, answer]) => [name, await answer.catch(String)]);
      await world().letLatecomerCome(asking.length);
      answers = Object.fromEntries(await Promise.all(asking));
    }, 120_000);

    const isAnswered = (name: string): void => expect(answers[name]).toMatch(/^(?!.*Error)./);
    it('Client comes again', () => isAnswered('aleph-alpha-sync'));
    it('AsyncClient comes again', () => isAnswered('aleph-alpha-async'));
    it('openai for Python comes again', () => isAnswered('openai'));
    it('LangChain comes again', () => isAnswered('langchain'));
    it('openai for Node comes again', () => isAnswered('openai-node'));
    it('the Vercel AI SDK comes again', () => isAnswered('vercel-ai'));
    it('curl comes again', () => isAnswered('curl'));
  });

  it('who is nice is served behind those that came later', async () => {
    const { system, engine } = world();
    const ask = async (content: string, query = ''): Promise<void> => {
      const body = JSON.stringify({ model: single, messages: [{ role: 'user', content }] });
      const headers = { 'content-type': 'application/json' };
      const answer = await system.fetch(`/chat/completions${query}`, { method: 'POST', headers, body });
      expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
    };
    const waiting = async (count: number): Promise<void> => {
      const label = `model="${single}"`;
      await until(`${count} to wait`, async () => {
        const metrics = await Metrics.read(system.opsUrl);
        return metrics.sum('fovea_requests_waiting', label) === count;
      });
    };
    const hold = engine.hold({ match: 'first', afterTokens: 1 });
    const first = ask('first');
    await hold.reached();
    const nice = ask('nice', '?nice=true');
    await waiting(1);
    const plain = ask('plain');
    await waiting(2);
    hold.release();
    await Promise.all([first, nice, plain]);
    const order = engine.requests.map(({ lastUserText }) => lastUserText);
    expect(order.slice(order.indexOf('first'))).toEqual(['first', 'plain', 'nice']);
  });

  it('nothing is left behind', () => world().system.untilClean());
});
