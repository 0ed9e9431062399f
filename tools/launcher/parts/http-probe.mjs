import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const probeTimeoutMs = 5_000;
const maxBytes = 4 * 1024 * 1024;

/**
 * A GET to a part of our own on this machine. No connection is kept: a probe must not hold a part that wants to end.
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ status: number, body: string } | undefined>} undefined when nothing answered.
 */
export function probe(url, signal, headers = {}) {
  const isTls = url.startsWith('https:');
  const options = {
    agent: false,
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]),
    // The certificate names the machine's public name, and the probe goes to loopback.
    ...(isTls ? { rejectUnauthorized: false } : {}),
  };
  return new Promise((resolve) => {
    const giveUp = () => resolve(undefined);
    const request = (isTls ? httpsRequest : httpRequest)(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
        if (body.length > maxBytes) response.destroy();
      });
      response.on('error', giveUp);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('close', giveUp);
    });
    request.on('error', giveUp);
    request.end();
  });
}

/**
 * True when a health route answers 200.
 * @param {string} url
 * @param {AbortSignal} signal
 */
export async function answersOk(url, signal) {
  return (await probe(url, signal))?.status === 200;
}
