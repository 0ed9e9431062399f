import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** How long, and how many bytes of it, a client may go on sending what nobody wants any more. */
export const MAX_LINGER_MS = 1000;
export const MAX_LINGER_BYTES = 4 * 1024 * 1024;

/** How long a client that sent all it may has to read its answer. */
const STALLED_MS = 250;

const leaving = new WeakSet<Socket>();

/** The connection takes no more requests: it ends with the answer under way. */
export const isLeaving = (socket: Socket): boolean => leaving.has(socket);

/**
 * Lets a client see an answer that comes before the end of its upload. A connection that is closed with unread bytes
 * is reset, and a client may then lose the answer; so after the answer our side is closed, the rest of the upload is
 * thrown away up to a bound, then left unread, and only after a while the socket is closed. Requests pipelined behind this one are not served.
 * The answer must carry `Connection: close`. A second call for the same connection changes nothing.
 */
export function lingerAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  if (leaving.has(socket)) return;
  leaving.add(socket);
  // Before Node's own listener, which would swallow the rest without bound, then call `destroySoon`.
  response.prependOnceListener('finish', () => {
    socket.destroySoon = () => {};
    linger(socket, request);
  });
}

/** Says goodbye with these last bytes on a connection that no longer speaks HTTP, and lingers like any other answer. */
export function lingerAfterLastWords(socket: Socket, text: string): void {
  leaving.add(socket);
  socket.write(text);
  // The parser has failed for good; without it the bytes come as plain data.
  socket.removeAllListeners('data');
  linger(socket, socket);
}

function linger(socket: Socket, rest: Readable): void {
  let bytes = 0;
  let isFull = false;
  const close = (): void => {
    clearTimeout(timer);
    socket.destroy();
  };
  let timer = setTimeout(close, MAX_LINGER_MS);
  socket.once('close', close);
  rest.once('end', close);
  rest.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (isFull || bytes <= MAX_LINGER_BYTES) return;
    isFull = true;
    // Not closed at once: a client that writes at full speed would meet the reset before it has read the answer. Its
    // writes stall now. One that only writes must not wait long for its error.
    rest.pause();
    clearTimeout(timer);
    timer = setTimeout(close, STALLED_MS);
  });
  socket.end();
  rest.resume();
  // Whoever read the body may have left it paused.
  socket.resume();
}
