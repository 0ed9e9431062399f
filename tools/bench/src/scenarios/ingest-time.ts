import { requireStatus } from '../client/require-answer.js';
import { Upload } from '../client/upload.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import { bodySource, IngestRig, MIB } from '../systems/ingest-rig.js';
import { startByteCounter } from '../systems/plain-servers.js';

const counter = 'byte counter';
const fovea = 'fovea';
const maxBodyBytes = 128 * MIB;

const toSample = (sentMs: number, doneMs: number): Sample => ({
  whole: doneMs,
  afterLastByte: doneMs - sentMs,
});

/**
 * The gateway is done when the job is in the queue: then all pictures are checked and stored, and the request as well.
 * The counter is done when its answer is there.
 */
export const ingestTime: Scenario = {
  name: 'ingest-time',
  what: '128 MiB body of eight pictures: until it is validated and stored',
  rounds: 7,
  warmUpRounds: 1,
  units: { whole: 'ms', afterLastByte: 'ms' },
  targets: [
    {
      what: 'first byte sent → validated and stored',
      contender: fovea,
      measure: 'whole',
      relativeTo: counter,
      atMost: 2.5,
    },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const nextBody = bodySource(bench, maxBodyBytes, 8);
    const target = await startByteCounter(bench);
    const rig = await IngestRig.open(bench);
    const gateway = await rig.startGateway({});
    return [
      {
        name: counter,
        async measure() {
          const upload = new Upload(target, nextBody(), { signal: bench.signal });
          const [answer, sentMs] = await Promise.all([upload.answer, upload.sent]);
          requireStatus(answer, 200);
          return toSample(sentMs ?? Number.NaN, answer.completeAtMs);
        },
      },
      {
        name: fovea,
        async measure() {
          const { sentMs, storedMs } = await rig.store(gateway, [nextBody()]);
          return toSample(sentMs, storedMs);
        },
      },
    ];
  },
};
