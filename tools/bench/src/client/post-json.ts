import { Agent, request } from 'node:http';

/** Idle connections do not keep the process alive. */
const agent = new Agent({ keepAlive: true });

/**
 * Posts a body and resolves with the text of a 200; rejects with any other. The client shares the machine with what is
 * measured: this way takes a third of the processor time of `fetch`.
 */
export function postJson(url: string, body: object, signal: AbortSignal): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(body));
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: 'POST', headers, agent, signal }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece)).once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(pieces).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`expected 200, got ${response.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    sending.once('error', reject).end(bytes);
  });
}
