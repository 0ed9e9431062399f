import { connect } from 'node:net';

/**
 * True when a Redis server answers PING; false while it still loads, refuses, or nobody listens.
 * @param {{ host: string, port: number, password?: string }} address
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>}
 */
export function answersPing({ host, port, password }, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const socket = connect(port, host);
    let received = '';
    const finish = (/** @type {boolean} */ answer) => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(answer);
    };
    const giveUp = () => finish(false);
    signal.addEventListener('abort', giveUp);
    socket.setTimeout(2_000, giveUp);
    socket.on('error', giveUp);
    socket.on('close', giveUp);
    socket.on('connect', () =>
      socket.write(`${password === undefined ? '' : `AUTH ${password}\r\n`}PING\r\n`),
    );
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (received.includes('+PONG')) finish(true);
      else if (received.includes('-')) finish(false);
    });
  });
}
