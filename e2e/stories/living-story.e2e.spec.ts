import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ledger } from '../support/ledger.js';
import { repository } from '../support/part.js';
import { crossPicture, dataUrl, imagePart, samplePicture } from '../support/pictures.js';
import { readStream } from '../support/sse-reader.js';
import { keys, System } from '../support/system.js';

type Tenant = keyof typeof keys;
type Message = { role: string; content: unknown };

/**
 * The one story that every later issue widens: real models, real processes, one ledger of what was asked and
 * answered. Its steps build on each other and run in order.
 */
describe('a day with Fovea', () => {
  const ledger = new Ledger();
  let system: System;
  let cross: string;
  let firstAnswer = '';

  const worker = (name: string): Promise<string> =>
    readFile(join(repository, `models/workers/${name}.toml`), 'utf8');
  const picture = (text: string): Message => ({
    role: 'user',
    content: [{ type: 'text', text }, imagePart(cross)],
  });

  async function ask(tenant: Tenant, model: string, messages: readonly Message[]): Promise<string> {
    ledger.ask();
    const response = await system.chat(
      { model, messages, stream: true, temperature: 0, stream_options: { include_usage: true } },
      { key: keys[tenant] },
    );
    expect(response.status).toBe(200);
    const seen = await readStream(response);
    expect(seen.done).toBe(true);
    const usage = seen.chunks.at(-1)?.usage;
    ledger.answer({
      tenant,
      asked: JSON.stringify(messages.at(-1)),
      answered: seen.text,
      promptTokens: usage?.prompt_tokens ?? 0,
      completionTokens: usage?.completion_tokens ?? 0,
    });
    return seen.text;
  }

  beforeAll(async () => {
    system = await System.start({ env: { BLOB_LINGER_S: '600', WORKER_GRACE_S: '3' } });
    await system.startAdapter('shapes', await worker('shapes-vlm'));
    await system.startAdapter('ocr', await worker('ocr'));
    await system.untilModel('shapes-vlm', 'available');
    await system.untilModel('ocr', 'available');
    cross = dataUrl(await crossPicture('#dd2222', '#ffffff'));
  }, 300_000);
  afterAll(() => system?.stop());

  it('answers a question about a picture, token by token', async () => {
    const response = await system.chat({
      model: 'shapes-vlm',
      messages: [picture('Describe the following image. Answer in 20 words or less.')],
      temperature: 0,
      stream: true,
    });
    ledger.ask();
    const seen = await readStream(response);
    firstAnswer = seen.text;
    ledger.answer({
      tenant: 'alpha',
      asked: 'describe',
      answered: seen.text,
      promptTokens: 1,
      completionTokens: 1,
    });
    expect(seen.text).toMatch(/red/i);
    expect(seen.text).toMatch(/white/i);
    const pieces = seen.chunks.filter((chunk) => (chunk.choices?.[0]?.delta.content ?? '') !== '');
    expect(pieces.length).toBeGreaterThan(3);
  });

  it('answers a follow-up turn that sends the same picture again, which is stored once', async () => {
    const before = await system.storedBlobs();
    const answer = await ask('alpha', 'shapes-vlm', [
      picture('Describe the following image. Answer in 20 words or less.'),
      { role: 'assistant', content: firstAnswer },
      { role: 'user', content: 'What color is the background?' },
    ]);
    expect(answer).toMatch(/white/i);
    expect(await system.storedBlobs()).toEqual(before);
  });

  it('serves a second tenant at the same time', async () => {
    const [mine, theirs] = await Promise.all([
      ask('alpha', 'shapes-vlm', [picture('What color is the background?')]),
      ask('beta', 'shapes-vlm', [picture('How many shapes are there?')]),
    ]);
    expect(mine).toMatch(/white/i);
    expect(theirs).toMatch(/\b(one|1)\b/i);
  });

  it('reads what stands in the sample picture', async () => {
    const sample = dataUrl(await samplePicture());
    const content = [{ type: 'text', text: 'What does it say?' }, imagePart(sample)];
    const answer = await ask('alpha', 'ocr', [{ role: 'user', content }]);
    expect(answer.trim().split('\n')).toEqual([
      'Lighthouse Books Invoice 2041',
      '2 x Field Guide to Birds $ 38.00',
      '1 x Atlas of the Seas $ 52.50',
      'Shipping $ 6.90',
      'Total due $ 97.40',
      'Please pay by 15 March. Thank you!',
    ]);
  });

  it('goes on after its worker-adapter was stopped and started', async () => {
    await system.adapter('shapes').end('SIGTERM');
    await system.untilModel('shapes-vlm', 'unavailable');
    const refused = await system.chat({ model: 'shapes-vlm', messages: [picture('What is in this image?')] });
    expect(refused.status).toBe(503);
    await system.startAdapter('shapes', await worker('shapes-vlm'));
    await system.untilModel('shapes-vlm', 'available');
    expect(await ask('alpha', 'shapes-vlm', [picture('What color is the background?')])).toMatch(/white/i);
  });

  it('goes on after its gateway was restarted', async () => {
    await system.gateway.end('SIGTERM');
    expect(system.gateway.exitCode).toBe(0);
    await system.startGateway();
    await system.untilModel('shapes-vlm', 'available');
    expect(await ask('beta', 'shapes-vlm', [picture('What color is the background?')])).toMatch(/white/i);
  });

  it('answered everything that was asked, and counted it', () => {
    expect(ledger.lines.length).toBe(ledger.asked);
    for (const line of ledger.lines) {
      expect(line.answered).not.toBe('');
      expect(line.promptTokens).toBeGreaterThan(0);
      expect(line.completionTokens).toBeGreaterThan(0);
    }
    expect(ledger.of('beta').length).toBe(2);
  });

  it('let no picture, no key and no question into any log', async () => {
    const canary = cross.slice(-200);
    for (const log of [system.gateway.log, system.adapter('shapes').log, system.adapter('ocr').log]) {
      expect(log).not.toContain(canary.slice(0, 60));
      expect(log).not.toContain(keys.alpha);
      expect(log).not.toContain('What color is the background');
    }
  });
});
