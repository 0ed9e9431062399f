import { DecoderThread } from '../../engine/threads/decoder-thread.js';
import type { ModelRuntime } from '../model-family.js';
import type { LanguageFolder } from './language-folder.js';

interface Started {
  readonly thread: { close(): Promise<void> };
}

/** Waits until all threads have started; when one refuses, the others are closed before its reason is thrown. */
export async function startTogether<Threads extends Record<string, Started>>(
  starting: {
    readonly [Name in keyof Threads]: Promise<Threads[Name]>;
  },
): Promise<Threads> {
  const names = Object.keys(starting);
  const settled = await Promise.allSettled(Object.values<Promise<Started>>(starting));
  const refused = settled.find((one) => one.status === 'rejected');
  if (refused === undefined) {
    const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return Object.fromEntries(names.map((name, at) => [name, started[at]])) as Threads;
  }
  await Promise.all(
    settled.map((one) => (one.status === 'fulfilled' ? one.value.thread.close() : undefined)),
  );
  throw refused.reason;
}

/** Starts the decoder of a chat model. Throws an `Error` that names the file and the reason when it cannot be run. */
export function startDecoder(
  { tokenizerFile }: LanguageFolder,
  files: { readonly decoderFile: string; readonly embedTokensFile?: string },
  runtime: ModelRuntime,
) {
  const { executionProviders, threads, maxRunning, kvCacheBytes, prefixCacheBytes } = runtime;
  return DecoderThread.start({
    ...files,
    tokenizerFile,
    executionProviders,
    threads,
    maxRunning,
    kvCacheBytes,
    prefixCacheBytes,
  });
}
