import { ReplicaSet } from '../../engine/replicas/replica-set.js';
import type { DecoderThreadFacts, DecoderThreadSettings } from '../../engine/threads/decoder-protocol.js';
import { DecoderThread, type Generations } from '../../engine/threads/decoder-thread.js';
import type { ModelRuntime } from '../model-family.js';
import { assertEosHasLogit, type LanguageFolder } from './language-folder.js';
import { countReplicas } from './replica-count.js';

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

interface DecoderFiles {
  readonly decoderFile: string;
  readonly embedTokensFile?: string;
}

/** A decoder that runs, alone or as several. */
export interface StartedDecoder {
  readonly thread: Generations;
  readonly facts: DecoderThreadFacts;
  /** How many share the work. */
  readonly replicas: number;
}

/** Each gets its part of the operator's bounds and threads. */
async function startReplicas(settings: DecoderThreadSettings, count: number): Promise<StartedDecoder> {
  const { threads, maxRunning, kvCacheBytes } = settings;
  const prefixCacheBytes = settings.prefixCacheBytes / count;
  const started = await startTogether(
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => {
        const share = {
          threads: Math.max(1, Math.floor(threads / count)),
          maxRunning: Math.floor((maxRunning + at) / count),
          kvCacheBytes: kvCacheBytes / count,
          prefixCacheBytes,
        };
        return [at, DecoderThread.start({ ...settings, ...share })];
      }),
    ),
  );
  const all = Object.values(started);
  const { facts } = all[0]!;
  const decoders = all.map(({ thread }) => thread);
  return { thread: new ReplicaSet(decoders, { ...facts, prefixCacheBytes }), facts, replicas: count };
}

async function startDecoders(
  { tokenizerFile, maxModelLen }: LanguageFolder,
  files: DecoderFiles,
  runtime: ModelRuntime,
): Promise<StartedDecoder> {
  const { executionProviders, threads, maxRunning, kvCacheBytes, prefixCacheBytes } = runtime;
  const settings: DecoderThreadSettings = {
    ...files,
    tokenizerFile,
    executionProviders,
    threads,
    maxRunning,
    kvCacheBytes,
    prefixCacheBytes,
  };
  const count = await countReplicas(Object.values(files), runtime);
  if (count > 1) {
    const isAuto = runtime.replicas === 'auto';
    const several = await startReplicas(isAuto ? { ...settings, threads: 1 } : settings, count);
    // Nobody who has not asked for it loses some of the context.
    if (!isAuto || several.facts.kvCacheTokens >= maxModelLen) return several;
    await several.thread.close();
  }
  return { ...(await DecoderThread.start(settings)), replicas: 1 };
}

/**
 * Starts the decoder of a chat model, or several side by side, see `countReplicas`. Throws an `Error` that names the file
 * and the reason when it cannot be run, or when its folder speaks of tokens that it does not have.
 */
export async function startDecoder(
  folder: LanguageFolder,
  files: DecoderFiles,
  runtime: ModelRuntime,
): Promise<StartedDecoder> {
  const started = await startDecoders(folder, files, runtime);
  try {
    assertEosHasLogit(folder, started.facts.vocabularySize);
    return started;
  } catch (error) {
    await started.thread.close();
    throw error;
  }
}
