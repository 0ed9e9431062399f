import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FakeVllm } from '@fovea/fake-vllm';
import { allDone } from '../support/all-done.js';
import { startEveryTask, writer } from '../support/every-task.js';
import { Metrics } from '../support/metrics.js';
import { repository } from '../support/part.js';
import { crossPicture, dataUrl } from '../support/pictures.js';
import { keys, type System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

/** The model that ships and describes pictures. Of the luminous type, it takes pictures in raw prompts, too. */
export const describer = 'shapes-vlm';
/** The model that ships and hears. */
export const hearer = 'commands-asr';
/** A model whose worker is away at first. */
export const latecomer = 'latecomer';
/** A model that answers one request after the other. */
export const single = 'single';

export const question = 'Describe the following image. Answer in 20 words or less.';
export const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a town.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
} as const;
export const placeSchema = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Rome', 'Oslo'] } },
  required: ['city'],
  additionalProperties: false,
} as const;

const read = (path: string): Promise<string> => readFile(join(repository, path), 'utf8');
const recordingPath = join(repository, 'models/commands-asr/samples/light.wav');

/** What every client is given: a system with the models that ship and a scripted engine, a picture and a recording. */
export class ClientWorld {
  private constructor(
    readonly system: System,
    readonly engine: FakeVllm,
    readonly picture: Buffer,
    readonly recording: Buffer,
    private readonly close: () => Promise<void>,
  ) {}

  readonly key = keys.alpha;
  readonly writer = writer;
  readonly recordingPath = recordingPath;

  get url(): string {
    return this.system.url;
  }

  get pictureUrl(): string {
    return dataUrl(this.picture);
  }

  static async start(): Promise<ClientWorld> {
    const { system, engine, close } = await startEveryTask({
      withShim: true,
      aliases: [single, latecomer],
    });
    try {
      const shapes = await read('models/workers/shapes-vlm.toml');
      await allDone<unknown>([
        system.startAdapter('shapes', shapes.replace('type = "onnx"', 'type = "luminous"')),
        system.startAdapter('hearer', await read('models/workers/commands-asr.toml')),
        system.startAdapter(single, workerToml(single, { slots: 1 }), { ADAPTER_ENGINE_URL: engine.url }),
        ClientWorld.#startLatecomer(system, engine),
      ]);
      for (const model of [describer, hearer, single, latecomer]) await system.untilModel(model, 'available');
      await system.adapter(latecomer).end('SIGTERM');
      const picture = await crossPicture('#22aa22', '#ffffff');
      engine.script({
        match: 'weather',
        times: 'always',
        behaviour: { toolCalls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] },
      });
      return new ClientWorld(system, engine, picture, await readFile(recordingPath), close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  static #startLatecomer(system: System, engine: FakeVllm): Promise<unknown> {
    return system.startAdapter(latecomer, workerToml(latecomer), { ADAPTER_ENGINE_URL: engine.url });
  }

  /** Lets the latecomer come when so many requests have been refused for its absence. */
  async letLatecomerCome(refusals: number): Promise<void> {
    await until(`${refusals} clients to be refused`, async () => {
      const metrics = await Metrics.read(this.system.opsUrl);
      return metrics.sum('fovea_requests_rejected_total', 'MODEL_UNAVAILABLE') >= refusals;
    });
    await ClientWorld.#startLatecomer(this.system, this.engine);
  }

  stop(): Promise<void> {
    return this.close();
  }
}
