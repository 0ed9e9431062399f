import { FoveaError } from '@fovea/errors';
import { imageTokens, sizeForModel } from '@fovea/image-preprocessing';
import { ModelRegistry } from '@fovea/model-registry';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { MAX_IMAGE_SIDE_PX } from '../gateway.config.js';
import { orUnavailable } from '../http/or-unavailable.js';
import { parseRequest } from '../ingest/parse-request.js';

const side = z.coerce.number().int().min(1).max(MAX_IMAGE_SIDE_PX);
const querySchema = z.object({ model: z.string().min(1).max(256), width: side, height: side });

/** What a picture will cost, before it is sent: by the same rules by which a request is admitted. */
@Controller(['', 'v1'])
export class ImageTokensController {
  constructor(private readonly registry: ModelRegistry) {}

  /** `tokens` is null where nothing is known of the model's image processor, or where it takes no such picture. */
  @Get('image-tokens')
  async count(@Query() query: unknown): Promise<{ tokens: number | null }> {
    const { model: name, ...size } = parseRequest(querySchema, query);
    const listing = await orUnavailable(this.registry.resolve(name));
    if (listing === undefined) throw new FoveaError('UNKNOWN_MODEL', { param: 'model' });
    if (!listing.model.multimodalEnabled) throw new FoveaError('MISSING_CAPABILITY', { param: 'model' });
    const { imageProcessor } = listing.package;
    if (imageProcessor === null) return { tokens: null };
    const counted = imageTokens(imageProcessor, sizeForModel(size, imageProcessor));
    return { tokens: 'refused' in counted ? null : counted.tokens };
  }
}
