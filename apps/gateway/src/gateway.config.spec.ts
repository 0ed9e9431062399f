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

const problemsOf = (changes: Record<string, string>) => {
  try {
    read(changes);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

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

  it.each(['https://app.example.com', 'http://localhost:5173, https://app.example.com', '*'])(
    'takes the origins %s',
    (origins) => {
      expect(read({ CORS_ORIGINS: origins }).CORS_ORIGINS).toEqual(origins.split(', '));
    },
  );

  it.each([
    'https://app.example.com/',
    'https://app.example.com/page',
    'app.example.com',
    'https://APP.example.com',
    'https://app.example.com:443',
  ])('refuses %s, which no browser sends as its origin', (origins) => {
    expect(() => read({ CORS_ORIGINS: origins })).toThrow(ConfigError);
  });

  it('refuses half of a certificate, and files that are not there', () => {
    const nowhere = { GATEWAY_TLS_CERT: '/nowhere/cert.pem', GATEWAY_TLS_KEY: '/nowhere/key.pem' };
    expect(() => read({ GATEWAY_TLS_CERT: nowhere.GATEWAY_TLS_CERT })).toThrow(ConfigError);
    expect(problemsOf(nowhere)).toEqual([
      expect.objectContaining({
        variable: 'GATEWAY_TLS_CERT, GATEWAY_TLS_KEY',
        expected: expect.stringContaining('ENOENT'),
      }),
    ]);
  });
});
