import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pythonPath } from '@fovea/testing';
import { repository } from '../support/part.js';

/** What a client made of the answer. */
export interface Seen {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly error?: { readonly limit?: unknown; readonly param?: unknown };
  };
}

/** A chat request whose body is a file. */
export interface Sending {
  readonly url: string;
  readonly key: string;
  readonly file: string;
}

type Send = (sending: Sending) => Promise<Seen>;

const path = '/v1/chat/completions';
const headersOf = (key: string): Record<string, string> => ({
  authorization: `Bearer ${key}`,
  'content-type': 'application/json',
});
const seen = (status: number, text: string): Seen => {
  const body: unknown = JSON.parse(text);
  return { status, body: body as Seen['body'] };
};

async function output(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string> {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', ...env } });
  let out = '';
  let errors = '';
  child.stdout.on('data', (piece: Buffer) => {
    out += piece.toString();
  });
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString();
  });
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}:\n${errors}\n${out}`);
  return out;
}

const curl =
  (...options: readonly string[]): Send =>
  async ({ url, key, file }) => {
    const headers = Object.entries(headersOf(key)).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const args = [
      '-sS',
      '-w',
      '\n%{http_code}',
      '--data-binary',
      `@${file}`,
      ...headers,
      ...options,
      `${url}${path}`,
    ];
    const out = await output('curl', args, {});
    const at = out.lastIndexOf('\n');
    return seen(Number(out.slice(at + 1)), out.slice(0, at));
  };

/** Node's `fetch` is undici. */
const undici: Send = async ({ url, key, file }) => {
  const body = Readable.toWeb(createReadStream(file));
  const init = { method: 'POST', body, duplex: 'half', headers: headersOf(key) };
  const answer = await fetch(`${url}${path}`, init as unknown as RequestInit);
  return seen(answer.status, await answer.text());
};

const nodeHttp =
  (isDeclared: boolean): Send =>
  async ({ url, key, file }) => {
    const length: Record<string, number> = isDeclared ? { 'content-length': (await stat(file)).size } : {};
    const request = httpRequest(`${url}${path}`, {
      method: 'POST',
      headers: { ...headersOf(key), ...length },
    });
    createReadStream(file).pipe(request);
    return new Promise((resolve, reject) => {
      let answered = false;
      request.on('error', (error) => {
        // The upload breaks off when the server closes; who has the answer does not mind.
        if (!answered) reject(error);
      });
      request.on('response', (answer: IncomingMessage) => {
        answered = true;
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        answer.on('end', () => resolve(seen(answer.statusCode ?? 0, text)));
        answer.on('error', reject);
      });
    });
  };

const python =
  (how: string): Send =>
  async ({ url, key, file }) => {
    const args = [join(repository, 'e2e/wire/send.py'), how, file];
    const out = await output(pythonPath, args, { FOVEA_URL: url, FOVEA_API_KEY: key });
    const found: unknown = JSON.parse(out);
    return found as Seen;
  };

export const curlClients: Readonly<Record<string, Send>> = {
  'curl, which expects 100 Continue': curl('-H', 'Expect: 100-continue'),
  'curl, which does not wait': curl('-H', 'Expect:'),
  'curl in chunks': curl('-H', 'Expect:', '-H', 'Transfer-Encoding: chunked'),
  'curl with HTTP/1.0': curl('--http1.0'),
};
export const nodeClients: Readonly<Record<string, Send>> = {
  undici,
  'node:http': nodeHttp(true),
  'node:http in chunks': nodeHttp(false),
};
export const pythonSenders: Readonly<Record<string, Send>> = {
  requests: python('requests'),
  'requests in chunks': python('requests-chunked'),
  aiohttp: python('aiohttp'),
  'aiohttp in chunks': python('aiohttp-chunked'),
};
