import { ConfigError } from '@fovea/config';
import { describe, expect, it } from '@jest/globals';
import { readGatewayConfig } from './gateway.config.js';

const read = (changes: Record<string, string>) =>
  readGatewayConfig({
    GATEWAY_API_KEYS: 'acme:one, other:two',
    REDIS_URL: 'redis://127.0.0.1',
    BLOB_STORE_URL: 'file:///tmp',
    ...changes,
  });

describe('the configuration of the gateway', () => {
  it('takes admin keys beside the ordinary ones, of tenants that have ordinary ones or not', () => {
    expect(read({}).GATEWAY_ADMIN_KEYS).toBeUndefined();
    expect(read({ GATEWAY_ADMIN_KEYS: 'acme:three,ops:four' }).GATEWAY_ADMIN_KEYS).toBe(
      'acme:three,ops:four',
    );
  });

  it.each(['acme:one', 'ops:four,ops:two'])('refuses a key that is both: %s', (admin) => {
    expect(() => read({ GATEWAY_ADMIN_KEYS: admin })).toThrow(ConfigError);
  });

  it.each(['four', 'ops:', ':four', 'ops:four,'])('refuses %j, which is no list of pairs', (admin) => {
    expect(() => read({ GATEWAY_ADMIN_KEYS: admin })).toThrow(ConfigError);
  });
});
