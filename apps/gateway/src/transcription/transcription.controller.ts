import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TranscriptionHandler } from './transcription-handler.js';

/** Speech to text, in Pharia's form and in OpenAI's. */
@Controller(['', 'v1'])
export class TranscriptionController {
  constructor(private readonly handler: TranscriptionHandler) {}

  @Post('transcribe')
  transcribe(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handler.transcribe(request, reply);
  }

  @Post('audio/transcriptions')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handler.create(request, reply);
  }
}
