import { FoveaError } from '@fovea/errors';
import { ModelRegistry } from '@fovea/model-registry';
import {
  type PermissionWire,
  permissionsSchema,
  type RequestRecordWire,
  type UserWire,
} from '@fovea/schemas/http';
import { Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { orUnavailable } from '../http/or-unavailable.js';
import { principalOf, tenantOf } from '../http/request-context.js';
import { parseRequest } from '../ingest/parse-request.js';
import { RequestJournal } from '../journal/request-journal.js';
import { ReceiveJson } from '../upload/receive-json.js';
import { toRequestRecord, toUser } from './account-wire.js';
import { grantedPermissions } from './privileges.js';

/** Who the key is to clients that know users; a user is a tenant here. */
@Controller(['', 'v1'])
export class AccountsController {
  constructor(
    private readonly bodies: ReceiveJson,
    private readonly journal: RequestJournal,
    private readonly registry: ModelRegistry,
  ) {}

  @Get('users/me')
  me(@Req() request: FastifyRequest): UserWire {
    return toUser(principalOf(request));
  }

  @Get('users/me/requests')
  async requests(@Req() request: FastifyRequest): Promise<RequestRecordWire[]> {
    return (await orUnavailable(this.journal.latest(tenantOf(request)))).map(toRequestRecord);
  }

  /** There are no passwords: none is read, so that none can be kept. */
  @Post('users/login')
  login(): never {
    throw new FoveaError('MISSING_CAPABILITY', {
      message: 'There are no passwords here. Send an API key as `Authorization: Bearer <key>`.',
    });
  }

  @Post('check_privileges')
  @HttpCode(200)
  async checkPrivileges(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PermissionWire[]> {
    const asked = parseRequest(permissionsSchema, await this.bodies.receive(request, reply));
    return orUnavailable(grantedPermissions(asked, this.registry));
  }
}
