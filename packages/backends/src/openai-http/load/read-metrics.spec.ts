import { describe, expect, it } from '@jest/globals';
import { readMetrics } from './read-metrics.js';

const page = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('readMetrics', () => {
  it('reads the names of new versions, and nothing that only begins like them', () => {
    const text = page(
      '# HELP vllm:num_requests_running Number of requests in model execution batches.',
      '# TYPE vllm:num_requests_running gauge',
      'vllm:num_requests_running{engine="0",model_name="m"} 3.0',
      'vllm:num_requests_waiting{engine="0",model_name="m"} 2.0',
      'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 7.0',
      'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25',
      'vllm:prompt_tokens_total{engine="0",model_name="m"} 1.2e+06',
      'vllm:prompt_tokens_created{engine="0",model_name="m"} 1.7e+09',
      'vllm:prompt_tokens_cached_total{engine="0",model_name="m"} 5.0',
      'vllm:generation_tokens_total{engine="0",model_name="m"} 12345.0 1764000000000',
      'vllm:generation_tokens_created{engine="0",model_name="m"} 1.7e+09',
      'vllm:request_generation_tokens_sum{engine="0",model_name="m"} 99.0',
      'http_requests_total{status="2xx"} 8.0',
    );
    expect(readMetrics(text)).toEqual({
      running: 3,
      waiting: 2,
      kvCacheUsage: 0.25,
      promptTokens: 1_200_000,
      generatedTokens: 12_345,
    });
  });

  it('reads the names of old versions, without labels, with an exporter’s underscore', () => {
    expect(
      readMetrics(
        page(
          'vllm:num_requests_running 1',
          'vllm:gpu_cache_usage_perc 0.5',
          'vllm:generation_tokens 7',
          'vllm_num_requests_waiting\t4',
        ),
      ),
    ).toEqual({ running: 1, waiting: 4, kvCacheUsage: 0.5, generatedTokens: 7 });
  });

  it('reads when the process began', () => {
    const text = page('process_start_time_seconds 1.76400000012e+09', 'process_start_time_seconds_other 7');
    expect(readMetrics(text)).toEqual({ startedAtS: 1_764_000_000.12 });
    expect(readMetrics(page('process_start_time_seconds 0'))).toEqual({});
  });

  it('adds up the cores of one server, and takes the fullest cache', () => {
    const series = [0, 1, 2].flatMap((core) => [
      `vllm:num_requests_running{engine="${core}",model_name="m"} ${core + 1}`,
      `vllm:num_requests_waiting{engine="${core}",model_name="m"} ${core}`,
      `vllm:kv_cache_usage_perc{engine="${core}",model_name="m"} 0.${core + 2}`,
      `vllm:gpu_cache_usage_perc{engine="${core}",model_name="m"} 0.${core + 2}`,
      `vllm:generation_tokens_total{engine="${core}",model_name="m"} ${10 ** core}`,
    ]);
    expect(readMetrics(page(...series))).toEqual({
      running: 6,
      waiting: 3,
      kvCacheUsage: 0.4,
      generatedTokens: 111,
    });
  });

  it('counts once what a page has under two names', () => {
    const text = page('vllm:generation_tokens_total{engine="0"} 5', 'vllm:generation_tokens{engine="0"} 5');
    expect(readMetrics(text)).toEqual({ generatedTokens: 5 });
  });

  it('is not led astray by what a label holds', () => {
    const text = page(
      'vllm:num_requests_running{model_name="a} 9 \\" vllm:num_requests_running 8"} 2',
      'x{y="\\nvllm:num_requests_waiting 5"} 1',
    );
    expect(readMetrics(text)).toEqual({ running: 2 });
  });

  it.each([
    ['a page of something else', 'process_cpu_seconds_total 1\n'],
    ['an empty page', ''],
    ['HTML', '<html>vllm:num_requests_running 4</html>'],
    [
      'values that are none',
      page('vllm:num_requests_running NaN', 'vllm:kv_cache_usage_perc +Inf', 'vllm:num_requests_waiting -1'),
    ],
    ['a line that is cut', 'vllm:num_requests_running{engine="0",mod'],
  ])('reports nothing for %s', (_name, text) => {
    expect(readMetrics(text)).toEqual({});
  });

  it('keeps a usage within 1', () => {
    expect(readMetrics('vllm:kv_cache_usage_perc 1.02\n')).toEqual({ kvCacheUsage: 1 });
  });

  it('reads a large page in no time', () => {
    const noise = Array.from({ length: 40_000 }, (_, at) => `vllm:x_bucket{le="${at}",model_name="m"} ${at}`);
    const text = page(...noise, 'vllm:num_requests_running{engine="0"} 4');
    const startedAt = process.cpuUsage();
    expect(readMetrics(text)).toEqual({ running: 4 });
    const { user, system } = process.cpuUsage(startedAt);
    expect(user + system).toBeLessThan(500_000);
  });
});
