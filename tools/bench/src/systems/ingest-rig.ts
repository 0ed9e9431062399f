import { type ChatBody, imageBody, picturesFor } from '../bodies/chat-body.js';
import { Upload } from '../client/upload.js';
import { Cleanup } from '../processes/cleanup.js';
import type { Bench } from '../scenario.js';
import { FoveaSystem, type GatewayProcess, type GatewayStart } from './fovea.js';
import { QueueWatch } from './queue-watch.js';

export const MIB = 1024 * 1024;
export const MODEL = 'bench';

/** Bodies of pictures as large as the contract allows; every picture of every body is another file. */
export function bodySource(bench: Bench, bodyBytes: number, pictures: number): () => ChatBody {
  const pngs = picturesFor(bench.isQuick ? bodyBytes / 16 : bodyBytes, pictures);
  return () => imageBody(MODEL, pngs);
}

/** When an upload was sent and when its job was in the queue, in milliseconds since its first byte. */
export interface Stored {
  readonly sentMs: number;
  readonly storedMs: number;
}

/** A Fovea without workers: what it takes in goes as far as the queue, where this sees it arrive. */
export class IngestRig {
  private constructor(
    private readonly bench: Bench,
    private readonly system: FoveaSystem,
    private readonly queue: QueueWatch,
  ) {}

  static async open(bench: Bench): Promise<IngestRig> {
    const system = await FoveaSystem.start(bench);
    await system.registerModel(MODEL);
    return new IngestRig(bench, system, await QueueWatch.open(system, MODEL));
  }

  /** Starts a gateway that has taken in a few small pictures already. */
  async startGateway(start: GatewayStart, bench: Bench = this.bench): Promise<GatewayProcess> {
    const gateway = await this.system.startGateway(start, bench);
    const [png] = picturesFor(256 * 1024, 1, 256);
    if (png === undefined) throw new RangeError('no picture');
    for (let count = 0; count < WARM_UP_BODIES; count += 1)
      await this.store(gateway, [imageBody(MODEL, [png])]);
    return gateway;
  }

  /** Uploads bodies side by side until all are stored, looks, then takes everything back. */
  async store(
    gateway: GatewayProcess,
    bodies: readonly ChatBody[],
    look: () => Promise<void> = async () => undefined,
  ): Promise<Stored> {
    const uploads = bodies.map((body) => new Upload(gateway.chat, body, { signal: this.bench.signal }));
    const refused = uploads.map(async (upload) => {
      const { status, text } = await upload.answer;
      throw new Error(`the gateway answered ${status}: ${text.slice(0, 300)}`);
    });
    const arrivals = this.queue.arrivals(bodies.length);
    const leases = await Promise.race([arrivals, ...refused]);
    const storedMs = Math.max(...uploads.map((upload) => upload.elapsedMs()));
    const sent = await Promise.all(uploads.map((upload) => upload.sent));
    await look();
    await this.queue.handBack(leases);
    for (const upload of uploads) upload.destroy();
    await Promise.allSettled(refused);
    await this.system.untilIdle();
    const sentMs = Math.max(...sent.map((ms) => ms ?? Number.NaN));
    return { sentMs, storedMs };
  }

  /** Runs with a gateway of its own, which is ended afterwards: no memory of an earlier round helps or hurts. */
  async withFreshGateway<T>(start: GatewayStart, run: (gateway: GatewayProcess) => Promise<T>): Promise<T> {
    const cleanup = new Cleanup();
    try {
      return await run(await this.startGateway(start, { ...this.bench, cleanup }));
    } finally {
      await cleanup.run();
    }
  }
}

/** Enough for code and connections to be there, small enough to leave no memory behind. */
const WARM_UP_BODIES = 5;
