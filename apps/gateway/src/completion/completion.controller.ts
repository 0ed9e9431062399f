import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EvaluateHandler } from './evaluate/evaluate-handler.js';
import { CompletionsHandler } from './openai/completions-handler.js';
import { CompleteHandler } from './pharia/complete-handler.js';

/** What goes on from raw prompts, in Pharia's form and in OpenAI's. */
@Controller(['', 'v1'])
export class CompletionController {
  constructor(
    private readonly completes: CompleteHandler,
    private readonly completions: CompletionsHandler,
    private readonly evaluations: EvaluateHandler,
  ) {}

  @Post('complete')
  complete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completes.handle(request, reply, 'text');
  }

  @Post('complete/json')
  completeJson(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completes.handle(request, reply, 'json');
  }

  @Post('completions')
  completeLegacy(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.handle(request, reply);
  }

  @Post('evaluate')
  evaluate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.evaluations.handle(request, reply);
  }
}
