import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeIf, pythonClients, pythonPath } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { repository } from '../support/part.js';
import { crossPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';

describeIf(pythonClients, 'the Python clients', () => {
  let system: System;
  let picture: Buffer;

  beforeAll(async () => {
    system = await System.start();
    // As a luminous-type model it takes pictures in raw prompts, too.
    const toml = await readFile(join(repository, 'models/workers/shapes-vlm.toml'), 'utf8');
    await system.startAdapter('shapes', toml.replace('type = "onnx"', 'type = "luminous"'));
    await system.untilModel('shapes-vlm', 'available');
    picture = await crossPicture('#22aa22', '#ffffff');
  }, 300_000);
  afterAll(() => system?.stop());

  async function run(script: string): Promise<Record<string, unknown>> {
    const child = spawn(pythonPath, [join(repository, 'e2e/clients', script)], {
      env: {
        PATH: process.env.PATH,
        FOVEA_URL: system.url,
        FOVEA_API_KEY: keys.alpha,
        NO_PROXY: '127.0.0.1',
      },
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdin.end(picture);
    const [code]: unknown[] = await once(child, 'close');
    if (code !== 0) throw new Error(`${script} ended with ${String(code)}:\n${errors}`);
    const result: unknown = JSON.parse(out);
    return result as Record<string, unknown>;
  }

  it('aleph-alpha-client chats and completes with a picture, whole and as a stream, and evaluates', async () => {
    const seen = await run('aleph_alpha_story.py');
    expect(seen).toMatchObject({
      models: ['shapes-vlm'],
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      whole: { text: expect.stringContaining('green'), finish: 'stop' },
      stream: {
        text: expect.stringContaining('green'),
        finish: expect.stringContaining('stop'),
        usage: null,
      },
      with_usage: { usage: expect.any(Number) },
      unknown: expect.stringContaining('UNKNOWN_MODEL'),
    });
    expect((seen.stream as { pieces: number }).pieces).toBeGreaterThan(3);
    expect(seen).toMatchObject({
      complete: {
        text: expect.stringContaining('green'),
        finish: 'end_of_text',
        optimized: ['Text', 'Image', 'Text'],
      },
      complete_stream: { text: expect.stringContaining('green'), finish: 'end_of_text' },
      evaluate: { correct_greedy: true },
    });
    const { tokens, log_probs: logProbs, generated } = seen.complete as Record<string, number>;
    expect(logProbs).toBe(tokens);
    expect((seen.complete_stream as { pieces: number }).pieces).toBeGreaterThan(3);
    expect((seen.complete_stream as { generated: number }).generated).toBe(generated);
  }, 300_000);

  it('openai asks with a picture, whole and as a stream, and understands the error', async () => {
    const seen = await run('openai_story.py');
    expect(seen).toMatchObject({
      models: ['shapes-vlm'],
      whole: expect.stringContaining('green'),
      text: expect.stringContaining('green'),
      usage: expect.any(Number),
      unknown: 'UNKNOWN_MODEL',
    });
    expect(seen.pieces).toBeGreaterThan(3);
  }, 300_000);
});
