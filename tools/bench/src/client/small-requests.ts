import { Agent, request } from 'node:http';
import type { UploadTarget } from './upload.js';

/** Sends the same small request again and again over one connection; resolves with the milliseconds each took. */
export async function sendInTurn(
  target: UploadTarget,
  body: Buffer,
  count: number,
  signal: AbortSignal,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const times: number[] = [];
    for (let sent = 0; sent < count; sent += 1) times.push(await sendOnce(target, body, agent, signal));
    return times;
  } finally {
    agent.destroy();
  }
}

function sendOnce(target: UploadTarget, body: Buffer, agent: Agent, signal: AbortSignal): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'content-length': `${body.length}`,
    ...target.headers,
  };
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now();
    const sending = request(target.url, { method: 'POST', headers, agent, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - startedAtMs);
        else reject(new Error(`expected 200, got ${response.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    sending.once('error', reject).end(body);
  });
}
