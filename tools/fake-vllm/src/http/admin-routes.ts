import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { VllmError } from '../chat/vllm-error.js';
import type { FakeEngine } from '../engine/fake-engine.js';
import { behaviourSchema } from '../script/behaviour.js';
import { eventNames } from '../script/event-log.js';
import { readJson, sendJson } from './respond.js';

const scriptSchema = z.object({
  match: z.string().optional(),
  times: z.union([z.number().int().positive(), z.literal('always')]).optional(),
  behaviour: behaviourSchema,
});
const releaseSchema = z.object({ gate: z.string() });
const healthSchema = z.object({ healthy: z.boolean() });
const count = z.coerce.number().int().positive();
const waitSchema = z.object({
  event: z.enum(eventNames),
  requestId: z.string().optional(),
  text: z.string().optional(),
  gate: z.string().optional(),
  tokens: z.coerce.number().int().nonnegative().optional(),
  count: count.optional(),
  timeoutMs: count.optional(),
});

const maxAdminBytes = 16 * 1024 * 1024;

async function readAs<T>(schema: z.ZodType<T>, request: IncomingMessage): Promise<T> {
  const parsed = schema.safeParse(await readJson(request, maxAdminBytes));
  if (!parsed.success) throw new VllmError(400, z.prettifyError(parsed.error));
  return parsed.data;
}

type AdminRoute = (engine: FakeEngine, request: IncomingMessage, query: URLSearchParams) => Promise<unknown>;

const routes: Readonly<Record<string, AdminRoute>> = {
  'POST /_fake/script': async (engine, request) => engine.scripts.add(await readAs(scriptSchema, request)),
  'POST /_fake/release': async (engine, request) =>
    engine.gates.release((await readAs(releaseSchema, request)).gate),
  'POST /_fake/health': async (engine, request) => {
    engine.healthy = (await readAs(healthSchema, request)).healthy;
  },
  'POST /_fake/reset': async (engine) => engine.reset(),
  'GET /_fake/counters': async (engine) => engine.counters,
  'GET /_fake/requests': async (engine) => engine.requests,
  /** Answers when the event happens: the way a test in another process waits. */
  'GET /_fake/wait': async (engine, _request, query) => {
    const parsed = waitSchema.safeParse(Object.fromEntries(query));
    if (!parsed.success) throw new VllmError(400, z.prettifyError(parsed.error));
    const { event, ...options } = parsed.data;
    return engine.events.waitFor(event, options).catch((error: Error) => {
      throw new VllmError(504, error.message);
    });
  },
};

/** The script's own controls for tests in another process; false when the path is none of them. */
export async function adminRoute(
  engine: FakeEngine,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const route = routes[`${request.method} ${url.pathname}`];
  if (route === undefined) return false;
  sendJson(response, 200, (await route(engine, request, url.searchParams)) ?? { ok: true });
  return true;
}
