import { describe, expect, it } from '@jest/globals';
import { readShimConfig } from './shim-variables.js';

describe('the configuration', () => {
  it('has defaults for everything but the models', () => {
    expect(readShimConfig({ SHIM_MODELS: 'a=/x, /y' })).toMatchObject({
      SHIM_HOST: '127.0.0.1',
      SHIM_PORT: 8000,
      SHIM_MODELS: ['a=/x', '/y'],
      SHIM_EXECUTION_PROVIDERS: ['cpu'],
      SHIM_DTYPES: [],
      SHIM_DECODER_REPLICAS: 'auto',
      SHIM_MAX_NUM_SEQS: 8,
      SHIM_MAX_WAITING: 64,
      SHIM_POCKETSPHINX: 'auto',
    });
  });

  it('tells every problem at once and never shows the key', () => {
    const env = {
      SHIM_PORT: 'x',
      SHIM_EXECUTION_PROVIDERS: 'tpu',
      SHIM_DTYPES: 'q4,int3',
      SHIM_DECODER_REPLICAS: '0',
      SHIM_POCKETSPHINX: 'maybe',
      SHIM_ALLOWED_LOCAL_MEDIA_PATH: 'media',
      SHIM_API_KEY: 'two words',
    };
    expect(() => readShimConfig(env)).toThrow(
      /SHIM_PORT.*SHIM_API_KEY.*SHIM_MODELS.*SHIM_ALLOWED_LOCAL_MEDIA_PATH.*SHIM_EXECUTION.*SHIM_DTYPES.*SHIM_DECODER.*SHIM_POCKETSPHINX/s,
    );
    expect(() => readShimConfig(env)).not.toThrow(/two words/);
  });
});
