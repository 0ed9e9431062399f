/** vLLM tells the layout of its cache in labels; the value is always 1. */
const cacheConfig = /^vllm[:_]cache_config_info\{((?:[^"}\n]|"(?:[^"\\\n]|\\.)*")*)\}/gm;
const blockCount = /(?:^|,)\s*num_gpu_blocks="(\d+)"/;
const blockSize = /(?:^|,)\s*block_size="(\d+)"/;

/**
 * Tokens that the KV caches of all engine cores hold: blocks times their size, from the page `/metrics`. Undefined when it
 * does not say; a core that has not measured its memory yet has `None` blocks.
 */
export function readCacheTokens(text: string): number | undefined {
  let total = 0;
  for (const [, labels = ''] of text.matchAll(cacheConfig)) {
    total += Number(blockCount.exec(labels)?.[1] ?? 0) * Number(blockSize.exec(labels)?.[1] ?? 0);
  }
  return total === 0 ? undefined : total;
}
