import { FoveaError } from '@fovea/errors';
import { JobQueue } from '@fovea/job-queue';
import { ModelRegistry } from '@fovea/model-registry';
import { laneKindSchema } from '@fovea/schemas/jobs';
import { Controller, Delete, HttpCode, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { orUnavailable } from '../http/or-unavailable.js';
import { principalOf } from '../http/request-context.js';

/** What has to be cleared away by hand: packages stay registered when their workers are gone for good. */
@Controller(['model-packages', 'v1/model-packages'])
export class ModelPackagesController {
  constructor(
    private readonly registry: ModelRegistry,
    private readonly queue: JobQueue,
  ) {}

  /** Throws `FORBIDDEN`, `UNKNOWN_MODEL`, or `MODEL_PACKAGE_CONFLICT` while workers are present or jobs wait for one. */
  @Delete(':checkpoint')
  @HttpCode(204)
  async remove(@Req() request: FastifyRequest, @Param('checkpoint') checkpoint: string): Promise<void> {
    if (!principalOf(request).isAdmin)
      throw new FoveaError('FORBIDDEN', { message: 'This takes an admin key.' });
    // Nobody sweeps the lanes of a checkpoint that is not registered.
    if (await orUnavailable(this.#hasJobs(checkpoint))) throw inUse('Requests wait for this checkpoint.');
    const outcome = await orUnavailable(this.registry.remove(checkpoint));
    if (outcome === 'in-use') throw inUse('Workers of this checkpoint are present. Stop them first.');
    if (outcome === 'unknown') {
      throw new FoveaError('UNKNOWN_MODEL', {
        message: 'No such checkpoint is registered.',
        param: 'checkpoint',
      });
    }
  }

  async #hasJobs(checkpoint: string): Promise<boolean> {
    const known = (await this.registry.list()).some((listing) => listing.package.checkpoint === checkpoint);
    if (!known) return false;
    const lanes = laneKindSchema.options.map((kind) => this.queue.depth({ checkpoint, kind }));
    return (await Promise.all(lanes)).some(({ waiting, active }) => waiting + active > 0);
  }
}

const inUse = (message: string): FoveaError =>
  new FoveaError('MODEL_PACKAGE_CONFLICT', { message, param: 'checkpoint' });
