import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokenizerHandler } from './tokenizer-handler.js';
import { TokensHandler } from './tokens-handler.js';

/** A model's tokenizer, and what it makes of a text. */
@Controller(['', 'v1'])
export class TokensController {
  constructor(
    private readonly tokens: TokensHandler,
    private readonly tokenizer: TokenizerHandler,
  ) {}

  @Post('tokenize')
  tokenize(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.tokens.tokenize(request, reply);
  }

  @Post('detokenize')
  detokenize(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.tokens.detokenize(request, reply);
  }

  @Get('models/:name/tokenizer')
  file(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param('name') name: string,
  ): Promise<void> {
    return this.tokenizer.handle(request, reply, name);
  }
}
