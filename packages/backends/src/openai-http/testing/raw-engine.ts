import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** One request as it came over the wire; `socket` is the test's to answer on, to leave open or to break. */
export interface RawRequest {
  readonly socket: Socket;
  readonly head: string;
  /** Resolves with the body when all of `content-length` has come. */
  body(): Promise<Buffer>;
}

/** A server that speaks only what a test writes, for forms no HTTP library would send. */
export interface RawEngine {
  readonly url: string;
  readonly connections: number;
  /** The next request, in order; its head has been read, its body not. */
  next(): Promise<RawRequest>;
  close(): Promise<void>;
}

const blankLine = '\r\n\r\n';

/** Splits one connection into requests, one after the other. */
async function serve(socket: Socket, deliver: (request: RawRequest) => void): Promise<void> {
  let buffered = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    for (;;) {
      const chunk: unknown = socket.read();
      if (Buffer.isBuffer(chunk)) {
        buffered = Buffer.concat([buffered, chunk]);
        return true;
      }
      if (socket.destroyed || socket.readableEnded) return false;
      await new Promise<void>((resolve) => {
        for (const event of ['readable', 'end', 'close']) socket.once(event, resolve);
      });
    }
  };
  for (;;) {
    while (!buffered.includes(blankLine)) if (!(await more())) return;
    const end = buffered.indexOf(blankLine) + blankLine.length;
    const head = buffered.subarray(0, end).toString('latin1');
    buffered = buffered.subarray(end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    let onRead = (): void => undefined;
    const isRead = new Promise<void>((resolve) => {
      onRead = resolve;
    });
    deliver({
      socket,
      head,
      async body() {
        while (buffered.length < length) if (!(await more())) break;
        const body = buffered.subarray(0, length);
        buffered = buffered.subarray(length);
        onRead();
        return body;
      },
    });
    await isRead;
  }
}

export async function startRawEngine(): Promise<RawEngine> {
  const waiting: RawRequest[] = [];
  const asking: ((request: RawRequest) => void)[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    void serve(socket, (request) => {
      const ask = asking.shift();
      if (ask === undefined) waiting.push(request);
      else ask(request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    next() {
      const request = waiting.shift();
      return request === undefined
        ? new Promise((resolve) => asking.push(resolve))
        : Promise.resolve(request);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The bytes of a whole response. */
export function response(status: number, contentType: string, body: string, headers = ''): string {
  return `HTTP/1.1 ${status} X\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

/** A stream that says `text` and ends as it should. */
export function streamOf(text: string): string {
  const chunks = [
    { choices: [{ index: 0, delta: { content: text }, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } },
  ];
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;
}
