import {
  type FileDeletedWire,
  type FileListWire,
  type FileObjectWire,
  fileListQuerySchema,
} from '@fovea/schemas/http';
import { Controller, Delete, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tenantOf } from '../http/request-context.js';
import { parseRequest } from '../ingest/parse-request.js';
import { FileShelf } from './file-shelf.js';
import { toFileObject, toFilePage } from './file-wire.js';
import { UploadHandler } from './upload-handler.js';

/** Pictures that are sent once and named in any number of requests; OpenAI's routes. */
@Controller(['', 'v1'])
export class FilesController {
  constructor(
    private readonly uploads: UploadHandler,
    private readonly shelf: FileShelf,
  ) {}

  @Post('files')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.uploads.handle(request, reply);
  }

  @Get('files')
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<FileListWire> {
    const wanted = parseRequest(fileListQuerySchema, query);
    return toFilePage(await this.shelf.list(tenantOf(request)), wanted);
  }

  @Get('files/:id')
  async retrieve(@Req() request: FastifyRequest, @Param('id') id: string): Promise<FileObjectWire> {
    return toFileObject(await this.shelf.find(tenantOf(request), id));
  }

  @Delete('files/:id')
  async remove(@Req() request: FastifyRequest, @Param('id') id: string): Promise<FileDeletedWire> {
    await this.shelf.remove(tenantOf(request), id);
    return { id, object: 'file', deleted: true };
  }
}
