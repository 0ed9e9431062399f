import { FoveaError } from '@fovea/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Place } from '../ingest/media/media-places.js';
import { parseRequest } from '../ingest/parse-request.js';
import type { ModelDirectory } from '../tasks/model-directory.js';
import type { TaskRoute } from '../tasks/task-route.js';

/** A route that no engine of ours serves. */
export interface UnofferedRoute {
  readonly schema: z.ZodType<object>;
  readonly places: Place;
  /** What is missing, for the answer. */
  readonly what: string;
}

/**
 * Judges a request as if somebody could answer it, and says that nobody does: first what is wrong with it, then
 * `UNKNOWN_MODEL`, then `MISSING_CAPABILITY`.
 */
export class UnofferedHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly models: ModelDirectory,
  ) {}

  handle(
    request: FastifyRequest,
    reply: FastifyReply,
    { schema, places, what }: UnofferedRoute,
  ): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, places),
      accept: async ({ value }): Promise<never> => {
        const wire = parseRequest(schema, value);
        const model = 'model' in wire && typeof wire.model === 'string' ? wire.model : undefined;
        if (model !== undefined) await this.models.find(model);
        const subject = model === undefined ? 'No model offers' : `"${model}" does not offer`;
        throw new FoveaError('MISSING_CAPABILITY', { message: `${subject} ${what}.`, param: 'model' });
      },
      answer: () => Promise.reject(new Error('nothing was accepted')),
    });
  }
}
