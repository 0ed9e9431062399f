import { describe, expect, it } from '@jest/globals';
import { likelyTypos } from './likely-typos.js';
import { integer, text } from './values.js';
import { variable } from './variable.js';

const variables = {
  GATEWAY_PORT: variable(integer().optional(), { help: 'Port.' }),
  GATEWAY_API_KEYS: variable(text().optional(), { help: 'Keys.', secret: true }),
  REDIS_URL: variable(text().optional(), { help: 'Redis.' }),
};

describe('likelyTypos', () => {
  it('finds names that are one slip away from a known one', () => {
    const env = {
      GATEWAY_PROT: '1',
      GATEWAY_API_KEY: 'k',
      GATEWAY_PORTT: '1',
      GATEWAY_BORT: '1',
      GATEWAY_API_KEYS_FIL: 'f',
    };
    expect(likelyTypos(variables, env)).toEqual([
      { found: 'GATEWAY_PROT', meant: 'GATEWAY_PORT' },
      { found: 'GATEWAY_API_KEY', meant: 'GATEWAY_API_KEYS' },
      { found: 'GATEWAY_PORTT', meant: 'GATEWAY_PORT' },
      { found: 'GATEWAY_BORT', meant: 'GATEWAY_PORT' },
      { found: 'GATEWAY_API_KEYS_FIL', meant: 'GATEWAY_API_KEYS_FILE' },
    ]);
  });

  it('leaves known names, other variables and foreign prefixes alone', () => {
    const env = {
      GATEWAY_PORT: '1',
      GATEWAY_API_KEYS_FILE: 'f',
      GATEWAY_HOST: 'h',
      ADAPTER_PORT: '1',
      REDIS_URI: 'r',
    };
    expect(likelyTypos(variables, env)).toEqual([]);
  });
});
