import { Server } from 'node:net';

/** Preload for peers that would listen on every address: a benchmark is nobody else's business. */
const listen = Server.prototype.listen;

Server.prototype.listen = function listenOnLoopback(this: Server, ...args: unknown[]): Server {
  const [port, ...rest] = args;
  const callback = rest.find((value) => typeof value === 'function');
  return Reflect.apply(listen, this, [
    typeof port === 'object' && port !== null ? { ...port, host: '127.0.0.1' } : { port, host: '127.0.0.1' },
    ...(callback === undefined ? [] : [callback]),
  ]);
};
