import { describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.mjs';

describe('readSettings', () => {
  it('has a default for everything', () => {
    expect(readSettings('/checkout', {})).toMatchObject({
      stateFolder: '/checkout/.fovea',
      gatewayHost: '127.0.0.1',
      gatewayPort: 8080,
      isGatewayPortChosen: false,
      gatewayOpsPort: undefined,
      shimPort: undefined,
      workersFolder: '/checkout/models/workers',
      optionalWorkersFolder: '/checkout/models/optional-workers',
      shimModels: '/checkout/models',
      isTls: false,
      drainMs: 310_000,
    });
  });

  it('takes what the user set, an empty value as unset', () => {
    const env = { GATEWAY_PORT: '9090', SHIM_PORT: '', FOVEA_WORKERS: 'mine', REQUEST_TIMEOUT_S: '20' };
    expect(readSettings('/checkout', env)).toMatchObject({
      gatewayPort: 9090,
      isGatewayPortChosen: true,
      shimPort: undefined,
      workersFolder: '/checkout/mine',
      optionalWorkersFolder: undefined,
      drainMs: 30_000,
    });
  });

  it.each(['0', '65536', '80 80', '-1', 'eighty'])('names a port variable that holds %p', (text) => {
    expect(() => readSettings('/checkout', { GATEWAY_PORT: text })).toThrow(
      `GATEWAY_PORT is "${text}", expected a port from 1 to 65535`,
    );
  });
});
