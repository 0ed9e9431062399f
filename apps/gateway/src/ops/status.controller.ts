import { Controller, Get, Header, Inject } from '@nestjs/common';
import { CONFIG, type GatewayConfig } from '../gateway.config.js';

/** Routes that need no key. */
@Controller(['', 'v1'])
export class StatusController {
  constructor(@Inject(CONFIG) private readonly config: GatewayConfig) {}

  @Get('version')
  @Header('content-type', 'text/plain; charset=utf-8')
  version(): string {
    return this.config.GATEWAY_VERSION;
  }

  /** That this process answers; whether it is fit for work is said on the ops port. */
  @Get('health')
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
