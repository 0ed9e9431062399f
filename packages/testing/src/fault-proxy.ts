import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';

/** What happens to a request instead of being passed on. */
export interface Fault {
  /** Answers with this status and body. Without it the request gets no answer at all. */
  readonly status?: number;
  readonly body?: string;
  /** Passes the request on, and drops the connection instead of the answer. */
  readonly losesAnswer?: boolean;
}

/** Decides about each request; undefined passes it on. */
export type FaultPlan = (request: { readonly method: string; readonly url: string }) => Fault | undefined;

export interface FaultProxy {
  readonly url: string;
  /** What was asked so far, as `PUT /bucket/key?partNumber=1…`. */
  readonly asked: string[];
  plan: FaultPlan;
  stop(): Promise<void>;
}

/** An HTTP proxy in front of a real server that fails as told. It keeps the `Host` header, so that signatures hold. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const asked: string[] = [];
  const state: { plan: FaultPlan } = { plan: () => undefined };
  const passOn = (incoming: IncomingMessage, answer: ServerResponse, losesAnswer: boolean): void => {
    const { method, headers } = incoming;
    const outgoing = forward(new URL(incoming.url ?? '/', target), { method: method ?? 'GET', headers });
    outgoing.on('response', (response) => {
      if (losesAnswer) {
        response.resume();
        incoming.socket.destroy();
        return;
      }
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => incoming.socket.destroy());
    incoming.on('error', () => outgoing.destroy());
    incoming.on('close', () => {
      if (!incoming.complete) outgoing.destroy();
    });
    incoming.pipe(outgoing);
  };
  const server = createServer((incoming, answer) => {
    const { method = 'GET', url = '/' } = incoming;
    asked.push(`${method} ${url}`);
    const fault = state.plan({ method, url });
    if (fault === undefined || fault.losesAnswer === true) {
      passOn(incoming, answer, fault !== undefined);
      return;
    }
    incoming.resume();
    if (fault.status !== undefined) answer.writeHead(fault.status).end(fault.body ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    get plan() {
      return state.plan;
    },
    set plan(plan) {
      state.plan = plan;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
