import type { FakeEngine } from '../engine/fake-engine.js';
import { sendJson, sendText } from './respond.js';
import type { Route } from './router.js';

function card(engine: FakeEngine, id: string, parent: string | null): unknown {
  const created = Math.floor(engine.process.startedAtS);
  const permission = {
    id: `modelperm-fake-${id}`,
    object: 'model_permission',
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  };
  return {
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: parent === null ? engine.settings.model : id,
    parent,
    max_model_len: parent === null ? engine.settings.maxModelLen : null,
    permission: [permission],
  };
}

/** One card per served name, then one per adapter. */
const models: Route = (engine, _request, response) => {
  const { model, aliases, loraModels } = engine.settings;
  const data = [
    ...[model, ...aliases].map((name) => card(engine, name, null)),
    ...loraModels.map((name) => card(engine, name, model)),
  ];
  sendJson(response, 200, { object: 'list', data });
};

const health: Route = (engine, _request, response) => engine.health.answer(response, engine.gates);

const metrics: Route = (engine, _request, response) =>
  sendText(response, 200, engine.metricsText(), 'text/plain; version=0.0.4; charset=utf-8');

/** Routes that tell about the server; a dead or hung engine answers them too. */
export const infoRoutes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  '/health': { GET: health },
  '/ping': { GET: health, POST: health },
  '/version': {
    GET: (engine, _request, response) =>
      sendJson(response, 200, { version: `${engine.settings.dialect.version}+fake` }),
  },
  '/v1/models': { GET: models },
  '/metrics': { GET: metrics },
  '/load': {
    GET: (engine, _request, response) =>
      sendJson(response, 200, { server_load: engine.settings.trackLoad ? engine.inFlight.size : 0 }),
  },
};
