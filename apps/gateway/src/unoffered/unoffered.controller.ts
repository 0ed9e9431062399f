import {
  embedRequestSchema,
  explainRequestSchema,
  instructableEmbedRequestSchema,
  steeringConceptRequestSchema,
  translateRequestSchema,
} from '@fovea/schemas/http';
import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mediaPlaces, promptMedia } from '../ingest/media/media-places.js';
import { UnofferedHandler } from './unoffered-handler.js';

const noMedia = mediaPlaces([]);
const inputMedia = mediaPlaces([{ items: 'input[*]', type: 'image', media: 'data', form: 'base64' }]);

/** Routes of the PhariaInference API that are here to be refused clearly. */
@Controller(['', 'v1'])
export class UnofferedController {
  constructor(private readonly handler: UnofferedHandler) {}

  @Post('embed')
  embed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const what = 'embeddings of single layers';
    return this.handler.handle(request, reply, { schema: embedRequestSchema, places: promptMedia, what });
  }

  @Post('instructable_embed')
  instructableEmbed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const schema = instructableEmbedRequestSchema;
    return this.handler.handle(request, reply, {
      schema,
      places: inputMedia,
      what: 'embeddings by instruction',
    });
  }

  @Post('explain')
  explain(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const schema = explainRequestSchema;
    return this.handler.handle(request, reply, { schema, places: promptMedia, what: 'explanations' });
  }

  @Post('translate')
  translate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const schema = translateRequestSchema;
    return this.handler.handle(request, reply, { schema, places: noMedia, what: 'translation' });
  }

  @Post('steering_concepts')
  steer(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const schema = steeringConceptRequestSchema;
    return this.handler.handle(request, reply, { schema, places: noMedia, what: 'steering' });
  }
}
