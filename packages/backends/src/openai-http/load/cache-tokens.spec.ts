import { describe, expect, it } from '@jest/globals';
import { readCacheTokens } from './cache-tokens.js';

const info = (labels: string): string => `vllm:cache_config_info{${labels}} 1.0\n`;

describe('readCacheTokens', () => {
  it('multiplies the blocks of each core by their size, and adds them', () => {
    const page =
      '# TYPE vllm:cache_config_info gauge\n' +
      info('block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="27000",swap_space="4"') +
      info('block_size="16",engine="1",num_gpu_blocks="26000",num_gpu_blocks_override="None"');
    expect(readCacheTokens(page)).toBe(53_000 * 16);
  });

  it.each([
    ['does not have it', 'vllm:num_requests_running{engine="0"} 1\n'],
    ['has not measured its memory yet', info('block_size="16",num_gpu_blocks="None"')],
    ['says something else', info('block_size="a",x="num_gpu_blocks=\\"7\\""')],
  ])('knows nothing when the page %s', (_what, page) => {
    expect(readCacheTokens(page)).toBeUndefined();
  });
});
