import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findOrMakeApiKey } from '../parts/api-key.mjs';
import { curlLine } from './welcome.mjs';

describe('curlLine', () => {
  let folder = '';
  /** @type {import('node:http').Server} */
  let server;
  /** @type {{ authorization: string | undefined, body: string }[]} */
  let received = [];
  let url = '';
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "fovea's curl "));
    received = [];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        received.push({ authorization: request.headers.authorization, body });
        response.end(`asked ${request.method} ${request.url}`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  /** @param {string} line */
  const paste = async (line) => {
    const shell = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    shell.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await once(shell, 'close');
    return output;
  };

  it('sends a picture of any size, from a path with blanks and quotes', async () => {
    const bytes = randomBytes(3_000_000);
    const picture = join(folder, 'sample.png');
    writeFileSync(picture, bytes);
    const apiKey = findOrMakeApiKey(folder, {});
    const welcome = { root: folder, url, apiKey, modelNames: [], certificate: undefined, logFolder: folder };
    const sample = { model: 'ocr', picture, question: "What's 100 %?", isStreamed: true };
    const line = curlLine(welcome, sample);
    expect(line).not.toContain('\n');
    expect(await paste(line)).toBe('asked POST /v1/chat/completions');
    expect(received[0]?.authorization).toBe(`Bearer ${apiKey.key}`);
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      model: 'ocr',
      temperature: 0,
      stream: true,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } },
            { type: 'text', text: "What's 100 %?" },
          ],
        },
      ],
    });
  });

  it('reads the key from its file when it came from one', async () => {
    const keys = join(folder, "team's keys");
    writeFileSync(keys, 'acme:hunter2,other:k2\n');
    const picture = join(folder, 'sample.png');
    writeFileSync(picture, 'x');
    const apiKey = findOrMakeApiKey(folder, { GATEWAY_API_KEYS_FILE: keys });
    const welcome = { root: folder, url, apiKey, modelNames: [], certificate: undefined, logFolder: folder };
    const line = curlLine(welcome, { model: 'ocr', picture, question: '?', isStreamed: false });
    expect(line).not.toContain('hunter2');
    await paste(line);
    expect(received[0]?.authorization).toBe('Bearer hunter2');
  });
});
