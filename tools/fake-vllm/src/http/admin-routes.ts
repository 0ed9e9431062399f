import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { FakeEngine } from '../engine/fake-engine.js';
import { behaviourSchema } from '../script/behaviour.js';
import { eventNames } from '../script/event-log.js';
import type { EngineControls } from '../server/engine-controls.js';
import { readJson, sendJson } from './respond.js';
import { VllmError } from './vllm-error.js';

const ms = z.number().nonnegative();
const schemas = {
  script: z.object({
    match: z.string().optional(),
    route: z.string().optional(),
    times: z.union([z.number().int().positive(), z.literal('always')]).optional(),
    behaviour: behaviourSchema,
  }),
  release: z.object({ gate: z.string() }),
  health: z.object({
    healthy: z.boolean().optional(),
    delayMs: ms.optional(),
    gate: z.string().optional(),
  }),
  crash: z.object({ restartAfterMs: ms.optional() }),
  degrade: z.object({
    delayMs: ms.default(1),
    growth: z.number().min(1).default(1.2),
    dieAfterSteps: z.number().int().positive(),
  }),
  overload: z.object({ on: z.boolean() }),
  gauges: z
    .object({ running: z.number(), waiting: z.number(), kvUsage: z.number() })
    .partial()
    .transform((given) =>
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ),
  pace: z.object({ ttftMs: ms.optional(), interTokenMs: ms.optional() }),
};
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

interface AdminCall {
  readonly engine: FakeEngine;
  readonly controls: EngineControls;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

async function read<T>(schema: z.ZodType<T>, { request }: AdminCall): Promise<T> {
  const parsed = schema.safeParse(await readJson(request, maxAdminBytes));
  if (!parsed.success) throw new VllmError(400, z.prettifyError(parsed.error));
  return parsed.data;
}

async function waitForEvent({ engine, query }: AdminCall): Promise<unknown> {
  const parsed = waitSchema.safeParse(Object.fromEntries(query));
  if (!parsed.success) throw new VllmError(400, z.prettifyError(parsed.error));
  const { event, ...options } = parsed.data;
  return engine.events.waitFor(event, options).catch((error: Error) => {
    throw new VllmError(504, error.message);
  });
}

/** The process goes down after this answer has left. */
async function crash(call: AdminCall): Promise<void> {
  const options = await read(schemas.crash, call);
  call.response.once('finish', () => void call.controls.crash(options));
}

type AdminRoute = (call: AdminCall) => unknown;

const routes: Readonly<Record<string, AdminRoute>> = {
  'POST /_fake/script': async (call) => call.engine.scripts.add(await read(schemas.script, call)),
  'POST /_fake/release': async (call) => call.engine.gates.release((await read(schemas.release, call)).gate),
  'POST /_fake/health': async (call) => call.controls.setHealthy(await read(schemas.health, call)),
  'POST /_fake/crash': crash,
  'POST /_fake/restart': ({ controls }) => controls.restart(),
  'POST /_fake/die': ({ controls }) => controls.die(),
  'POST /_fake/hang': ({ controls }) => controls.hangEngine(),
  'POST /_fake/resume': ({ controls }) => controls.resumeEngine(),
  'POST /_fake/degrade': async (call) => call.controls.degrade(await read(schemas.degrade, call)),
  'POST /_fake/overload': async (call) => call.controls.setOverload((await read(schemas.overload, call)).on),
  'POST /_fake/gauges': async (call) => call.controls.showGauges(await read(schemas.gauges, call)),
  'POST /_fake/pace': async (call) => call.controls.setPace(await read(schemas.pace, call)),
  'POST /_fake/reset': ({ engine }) => engine.reset(),
  'GET /_fake/counters': ({ engine }) => engine.counters,
  'GET /_fake/requests': ({ engine }) => engine.requests,
  /** Answers when the event happens: the way a test in another process waits. */
  'GET /_fake/wait': waitForEvent,
};

/** The script's own controls for tests in another process; false when the path is none of them. */
export async function adminRoute(
  engine: FakeEngine,
  controls: EngineControls,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const route = routes[`${request.method} ${url.pathname}`];
  if (route === undefined) return false;
  const result = await route({ engine, controls, request, response, query: url.searchParams });
  sendJson(response, 200, result ?? { ok: true });
  return true;
}
