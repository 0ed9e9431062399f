import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChatHandler } from './chat-handler.js';

@Controller(['', 'v1'])
export class ChatController {
  constructor(private readonly handler: ChatHandler) {}

  @Post('chat/completions')
  complete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handler.handle(request, reply);
  }
}
