import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { chatRoute } from '../chat/chat-route.js';
import { completionsRoute } from '../completions/completions-route.js';
import type { Task } from '../engine/engine-options.js';
import type { FakeEngine } from '../engine/fake-engine.js';
import { embeddingsRoute } from '../pooling/embeddings-route.js';
import { rerankRoute } from '../pooling/rerank-route.js';
import { scoreRoute } from '../pooling/score-route.js';
import type { EngineControls } from '../server/engine-controls.js';
import { detokenizeRoute, tokenizeRoute } from '../tokenizer/tokenize-route.js';
import { transcriptionRoute } from '../transcription/transcription-route.js';
import { adminRoute } from './admin-routes.js';
import { infoRoutes } from './info-routes.js';
import { sendError } from './respond.js';
import { VllmError } from './vllm-error.js';

export type Route = (
  engine: FakeEngine,
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | void;

/** Routes that are registered only when the model can do the task. */
const taskRoutes: Readonly<Record<string, { readonly task: Task; readonly route: Route }>> = {
  '/v1/chat/completions': { task: 'generate', route: chatRoute },
  '/v1/completions': { task: 'generate', route: completionsRoute },
  '/v1/audio/transcriptions': { task: 'transcription', route: transcriptionRoute },
  '/v1/embeddings': { task: 'embed', route: embeddingsRoute },
  '/rerank': { task: 'score', route: rerankRoute },
  '/v1/rerank': { task: 'score', route: rerankRoute },
  '/v2/rerank': { task: 'score', route: rerankRoute },
  '/score': { task: 'score', route: scoreRoute },
  '/v1/score': { task: 'score', route: scoreRoute },
};

function methodsOf(engine: FakeEngine, path: string): Readonly<Record<string, Route>> | undefined {
  const found = taskRoutes[path];
  if (path === '/tokenize') return { POST: tokenizeRoute };
  if (path === '/detokenize') return { POST: detokenizeRoute };
  if (found === undefined) return infoRoutes[path];
  return engine.settings.tasks.includes(found.task) ? { POST: found.route } : undefined;
}

/** Like vLLM, whose key guards these paths only; `/tokenize`, `/metrics` and `/score` stay open. */
function isAuthorized(engine: FakeEngine, path: string, request: IncomingMessage): boolean {
  const { apiKey } = engine.settings;
  if (apiKey === undefined || request.method === 'OPTIONS' || !/^\/(v1|v2|inference)/.test(path)) return true;
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${apiKey}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Answers a request whose body is still on its way and closes: what is in front of an engine may do that. */
function answerEarly(engine: FakeEngine, path: string, response: ServerResponse): boolean {
  const fault = engine.scripts.takeEarly(path);
  if (fault?.kind !== 'early-status') return false;
  response.setHeader('connection', 'close');
  sendError(response, fault, fault.form ?? engine.settings.dialect.errorForm);
  return true;
}

async function dispatch(
  engine: FakeEngine,
  controls: EngineControls,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // vLLM's server (uvicorn) sends no Keep-Alive hint: a client has to know the 5 s by itself.
  response.setHeader('connection', 'keep-alive');
  if (engine.settings.requestIdHeaders) {
    const given = request.headers['x-request-id'];
    response.setHeader('x-request-id', typeof given === 'string' ? given : randomUUID().replaceAll('-', ''));
  }
  const url = new URL(request.url ?? '/', 'http://fake');
  if (await adminRoute(engine, controls, request, response, url)) return;
  response.once('finish', () => {
    engine.process.metrics.countHttp(request.method ?? 'GET', url.pathname, response.statusCode);
  });
  if (!isAuthorized(engine, url.pathname, request)) {
    return sendError(response, { status: 401, message: 'Unauthorized' }, 'string');
  }
  const methods = methodsOf(engine, url.pathname);
  const route = methods?.[request.method ?? 'GET'];
  if (methods === undefined) return sendError(response, { status: 404, message: 'Not Found' }, 'detail');
  if (route === undefined) {
    return sendError(response, { status: 405, message: 'Method Not Allowed' }, 'detail');
  }
  if (answerEarly(engine, url.pathname, response)) return;
  await route(engine, request, response);
}

/** Answers one HTTP request. What no route expected becomes vLLM's 500. */
export async function routeRequest(
  engine: FakeEngine,
  controls: EngineControls,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A write that comes after the client left is reported here; the run itself sees its abort signal.
  response.on('error', () => undefined);
  try {
    await dispatch(engine, controls, request, response);
  } catch (error) {
    if (response.destroyed) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const facts = error instanceof VllmError ? error : new VllmError(500, String(error));
    sendError(response, facts, facts.form ?? engine.settings.dialect.errorForm);
  }
}
