import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  readonly body: string;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

export interface ScriptedGateway extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
}

/** An HTTP server that answers as the test's script says; it notes what it was asked. */
export async function scriptedGateway(script: Script): Promise<ScriptedGateway> {
  const seen: SeenRequest[] = [];
  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request: SeenRequest = {
      method: message.method ?? '',
      path: message.url ?? '',
      authorization: message.headers.authorization,
      range: message.headers.range,
      body: await text(message),
    };
    seen.push(request);
    await script(request, response);
  };
  const server = createServer((message, response) => {
    answer(message, response).catch((error: unknown) =>
      response.destroy(new Error('the script failed', { cause: error })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** One chunk as the gateway writes it: `usage: null`, a `content` in each delta. */
export function chunk(content: string, finishReason: string | null = null): string {
  const delta = finishReason === null ? { content } : {};
  const choices = [{ index: 0, finish_reason: finishReason, delta, logprobs: null }];
  const event = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', usage: null };
  return `data: ${JSON.stringify({ ...event, choices })}\n\n`;
}

export const DONE = 'data: [DONE]\n\n';

/** Sends the events in pieces of `pieceBytes`, each its own write, so that events and characters are cut anywhere. */
export async function answerStream(
  response: ServerResponse,
  events: readonly string[],
  pieceBytes = 7,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const bytes = Buffer.from(events.join(''));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    await new Promise((sent) => response.write(piece, sent));
  }
  response.end();
}
