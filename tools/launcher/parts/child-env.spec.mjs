import { describe, expect, it } from '@jest/globals';
import { childEnv, gatewaySecrets } from './child-env.mjs';

describe('childEnv', () => {
  it("passes on all the user set, without npm's own and without the secrets of other parts", () => {
    const env = {
      PATH: '/bin',
      LOG_LEVEL: 'debug',
      npm_config_cache: '/c',
      GATEWAY_API_KEYS: 'a:b',
      GATEWAY_PORT: '1',
    };
    expect(childEnv(env, { decided: { GATEWAY_PORT: '2' }, without: gatewaySecrets })).toEqual({
      PATH: '/bin',
      LOG_LEVEL: 'debug',
      GATEWAY_PORT: '2',
    });
  });
});
