import { FoveaError } from '@fovea/errors';
import { type ModelListing, ModelRegistry } from '@fovea/model-registry';
import type {
  LimitsWire,
  ModelAvailableWire,
  ModelCardWire,
  ModelListWire,
  ModelSettingsWire,
} from '@fovea/schemas/http';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { CONFIG, type GatewayConfig } from '../gateway.config.js';
import { orUnavailable } from '../http/or-unavailable.js';
import { toLimits } from '../limits/limits-wire.js';
import { toModelAvailable, toModelCard, toModelSettings } from './listing-wire.js';

/** What models there are, in both dialects, and what bounds a request has. */
@Controller(['', 'v1'])
export class ModelsController {
  constructor(
    private readonly registry: ModelRegistry,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Get('models')
  async models(): Promise<ModelListWire> {
    return { object: 'list', data: (await this.#list()).map(toModelCard) };
  }

  @Get('models/:name')
  async model(@Param('name') name: string): Promise<ModelCardWire> {
    const listing = await orUnavailable(this.registry.resolve(name));
    if (listing === undefined) throw new FoveaError('UNKNOWN_MODEL', { param: 'model' });
    return toModelCard(listing);
  }

  @Get('model-settings')
  async settings(): Promise<ModelSettingsWire[]> {
    return (await this.#list()).map(toModelSettings);
  }

  @Get('models_available')
  async available(): Promise<ModelAvailableWire[]> {
    return (await this.#list()).map(toModelAvailable);
  }

  @Get('limits')
  async limits(): Promise<LimitsWire> {
    return toLimits(this.config, await this.#list());
  }

  #list(): Promise<ModelListing[]> {
    return orUnavailable(this.registry.list());
  }
}
