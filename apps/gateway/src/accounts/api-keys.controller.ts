import { type ApiKeyCreatedWire, type ApiKeyWire, apiKeyRequestSchema } from '@fovea/schemas/http';
import { Controller, Delete, Get, Header, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CreatedKeys } from '../auth/created-keys.js';
import { tenantOf } from '../http/request-context.js';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';
import { ReceiveJson } from '../upload/receive-json.js';
import { toApiKey } from './account-wire.js';

/** API keys that a tenant hands on; Pharia calls them tokens. */
@Controller(['users/me/tokens', 'v1/users/me/tokens'])
export class ApiKeysController {
  constructor(
    private readonly bodies: ReceiveJson,
    private readonly keys: CreatedKeys,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApiKeyCreatedWire> {
    const body = withoutNulls(await this.bodies.receive(request, reply));
    const { description } = parseRequest(apiKeyRequestSchema, body);
    const { key, secret } = await this.keys.create(tenantOf(request), description);
    return { metadata: toApiKey(key), token: secret };
  }

  @Get()
  async list(@Req() request: FastifyRequest): Promise<ApiKeyWire[]> {
    return (await this.keys.list(tenantOf(request))).map(toApiKey);
  }

  @Delete(':token_id')
  @HttpCode(204)
  remove(@Req() request: FastifyRequest, @Param('token_id') id: string): Promise<void> {
    return this.keys.remove(tenantOf(request), id);
  }
}
