import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RerankHandler } from './rerank-handler.js';

@Controller(['', 'v1'])
export class RerankController {
  constructor(private readonly handler: RerankHandler) {}

  @Post('rerank')
  rerank(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handler.handle(request, reply);
  }
}
