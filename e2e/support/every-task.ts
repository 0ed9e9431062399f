import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { allDone } from './all-done.js';
import { System, type SystemOptions } from './system.js';
import { workerToml } from './workers.js';

/** A system whose scripted engine offers every task that an engine can. */
export interface EveryTask {
  readonly system: System;
  readonly engine: FakeVllm;
  close(): Promise<void>;
}

/** The model for everything but recordings, and the model for those. */
export const writer = 'writer';
export const listener = 'listener';

const writerToml = (): string =>
  `${workerToml(writer)
    .replace('[queue]', 'structured_output.supported_types = ["json_schema", "json_object"]\n[queue]')
    .replace('version = 1', 'version = 1\ntools = true')}
[queue.models."${writer}".embedding_task]
supported = true
[queue.models."${writer}".rerank_task]
supported = true
`;
const listenerToml = (): string =>
  workerToml(listener, { multimodal: false })
    .replace('"vllm"', '"transcription"')
    .replace('supported = true', 'supported = false');

export interface EveryTaskOptions extends SystemOptions {
  /** Starts the shim, too, for adapters with models of its own. */
  readonly withShim?: boolean;
  /** Further names of the engine's model. */
  readonly aliases?: readonly string[];
}

/** Starts the scripted engine and both its models. */
export async function startEveryTask(options: EveryTaskOptions = {}): Promise<EveryTask> {
  const { withShim = false, aliases = [], ...rest } = options;
  const engine = await startFakeVllm({
    model: writer,
    aliases: [listener, ...aliases],
    embeddingSize: 256,
    maxModelLen: 16_384,
  });
  const close = async (system?: System): Promise<void> => {
    await system?.stop();
    await engine.close();
  };
  const system = await System.start(withShim ? rest : { ...rest, engineUrl: engine.url }).catch(
    async (error: unknown) => {
      await close();
      throw error;
    },
  );
  try {
    const env = { ADAPTER_ENGINE_URL: engine.url };
    await allDone([
      system.startAdapter(writer, writerToml(), env),
      system.startAdapter(listener, listenerToml(), env),
    ]);
    await system.untilModel(writer, 'available');
    await system.untilModel(listener, 'available');
  } catch (error) {
    await close(system);
    throw error;
  }
  return { system, engine, close: () => close(system) };
}
