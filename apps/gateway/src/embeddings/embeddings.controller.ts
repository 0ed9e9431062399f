import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EmbeddingsHandler } from './embeddings-handler.js';
import { SemanticHandler } from './semantic-handler.js';

/** Vectors, in OpenAI's form and in Pharia's. */
@Controller(['', 'v1'])
export class EmbeddingsController {
  constructor(
    private readonly embeddings: EmbeddingsHandler,
    private readonly semantic: SemanticHandler,
  ) {}

  @Post('embeddings')
  embed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.embeddings.handle(request, reply);
  }

  @Post('semantic_embed')
  semanticEmbed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.semantic.one(request, reply);
  }

  @Post('batch_semantic_embed')
  batchSemanticEmbed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.semantic.batch(request, reply);
  }
}
