import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { FakeEngine } from '../engine/fake-engine.js';
import { adminRoute } from '../http/admin-routes.js';
import { sendError } from '../http/respond.js';
import { VllmError } from '../http/vllm-error.js';
import type { EngineControls } from './engine-controls.js';

/** The admin routes on a port of their own, which goes on while the engine is down. Resolves when it listens. */
export async function startAdminServer(
  engine: FakeEngine,
  controls: EngineControls,
  address: { readonly port: number; readonly host: string },
): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    adminRoute(engine, controls, request, response, url).then(
      (isAnswered) => {
        if (!isAnswered) sendError(response, { status: 404, message: 'Not Found' }, 'detail');
      },
      (error: unknown) => {
        sendError(response, error instanceof VllmError ? error : { status: 500, message: String(error) });
      },
    );
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return server;
}
