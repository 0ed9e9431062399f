import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readSettings } from '../settings.mjs';
import { isPortFree, PortPicker, requireGatewayPort } from './ports.mjs';

describe('ports', () => {
  /** @type {import('node:net').Server} */
  let server;
  let busy = 0;
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    busy = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterEach(() => {
    server.close();
  });

  it('knows a port in use from a free one', async () => {
    expect(await isPortFree(busy, '127.0.0.1')).toBe(false);
    const closed = once(server, 'close');
    server.close();
    await closed;
    expect(await isPortFree(busy, '127.0.0.1')).toBe(true);
  });

  it('never gives the same port twice, although nobody listens yet', async () => {
    const ports = new PortPicker();
    const picked = await Promise.all(Array.from({ length: 50 }, () => ports.free()));
    expect(new Set(picked).size).toBe(50);
  });

  it('refuses a chosen port that is in use, by the name of its variable', async () => {
    await expect(new PortPicker().chosenOrFree('SHIM_PORT', busy)).rejects.toThrow(
      `SHIM_PORT: port ${busy} on 127.0.0.1 is in use`,
    );
  });

  it('says which command works when the port of the gateway is in use', async () => {
    const settings = { ...readSettings('/checkout', {}), gatewayPort: busy };
    const message = await requireGatewayPort(settings).then(
      () => '',
      (error) => error.message,
    );
    expect(message).toContain(`Port ${busy} (the default of GATEWAY_PORT) on 127.0.0.1 is in use`);
    const suggested = Number(/Run: GATEWAY_PORT=(\d+) npm start$/.exec(message)?.[1]);
    expect(await isPortFree(suggested, '127.0.0.1')).toBe(true);
  });

  it('names an address that this machine does not have', async () => {
    await expect(isPortFree(8080, '192.0.2.1')).rejects.toThrow('cannot listen on 192.0.2.1:8080');
  });
});
