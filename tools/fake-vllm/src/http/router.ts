import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { chatRoute } from '../chat/chat-route.js';
import { VllmError } from '../chat/vllm-error.js';
import { prometheusText } from '../engine/counters.js';
import type { FakeEngine } from '../engine/fake-engine.js';
import { adminRoute } from './admin-routes.js';
import { sendError, sendJson, sendText } from './respond.js';

type Route = (engine: FakeEngine, request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

function modelCard(engine: FakeEngine): unknown {
  const { model, maxModelLen } = engine.limits;
  const created = engine.startedAtS;
  return {
    object: 'list',
    data: [
      {
        id: model,
        object: 'model',
        created,
        owned_by: 'vllm',
        root: model,
        parent: null,
        max_model_len: maxModelLen,
        permission: [
          { id: 'modelperm-fake', object: 'model_permission', created, allow_sampling: true, group: null },
        ],
      },
    ],
  };
}

const health: Route = (engine, _request, response) => {
  response.writeHead(engine.healthy ? 200 : 503, { 'content-length': 0 }).end();
};

const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  '/health': { GET: health },
  '/ping': { GET: health, POST: health },
  '/version': { GET: (_engine, _request, response) => sendJson(response, 200, { version: '0.29.0' }) },
  '/v1/models': { GET: (engine, _request, response) => sendJson(response, 200, modelCard(engine)) },
  '/metrics': {
    GET: (engine, _request, response) => {
      const text = prometheusText(engine.counters, engine.limits.model, engine.maxRunning);
      sendText(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8');
    },
  },
  '/v1/chat/completions': { POST: chatRoute },
};

function isAuthorized(engine: FakeEngine, path: string, request: IncomingMessage): boolean {
  if (engine.apiKey === undefined || !path.startsWith('/v1')) return true;
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${engine.apiKey}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function dispatch(
  engine: FakeEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // vLLM's server (uvicorn) sends no Keep-Alive hint: a client has to know the 5 s by itself.
  response.setHeader('connection', 'keep-alive');
  const url = new URL(request.url ?? '/', 'http://fake');
  if (await adminRoute(engine, request, response, url)) return;
  if (!isAuthorized(engine, url.pathname, request)) {
    return sendError(response, { status: 401, message: 'Unauthorized' }, 'string');
  }
  const methods = routes[url.pathname];
  const route = methods?.[request.method ?? 'GET'];
  if (methods === undefined) return sendError(response, { status: 404, message: 'Not Found' }, 'detail');
  if (route === undefined) {
    return sendError(response, { status: 405, message: 'Method Not Allowed' }, 'detail');
  }
  await route(engine, request, response);
}

/** Answers one HTTP request. What no route expected becomes vLLM's 500. */
export async function routeRequest(
  engine: FakeEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A write that comes after the client left is reported here; the run itself sees its abort signal.
  response.on('error', () => undefined);
  try {
    await dispatch(engine, request, response);
  } catch (error) {
    if (response.destroyed) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const facts = error instanceof VllmError ? error : { status: 500, message: String(error) };
    sendError(response, facts);
  }
}
