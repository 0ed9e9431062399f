import { setTimeout as pause } from 'node:timers/promises';
import { type ChatBody, imageBody } from '../bodies/chat-body.js';
import { NoisePng } from '../bodies/png.js';
import { requireStatus } from '../client/require-answer.js';
import { type Answer, pacedAt, Upload, type UploadOptions } from '../client/upload.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import { IngestRig, MIB, MODEL } from '../systems/ingest-rig.js';

const stepwise = 'client in steps';
const paced = 'client at 20 MB/s';
const unpaced = 'client at full speed';

const KIB = 1024;
const SLICE_BYTES = 16 * KIB;
/** Who has not refused by then has missed the target by far; the rest is sent at full speed. */
const STEPPED_BYTES = MIB;
/** How long the gateway may chew on a step before the next one comes. */
const QUIET_MS = 25;
const STEP_TIMEOUT_MS = 2_000;
const PACE_BYTES_PER_S = 20_000_000;

/** An oversized picture, then others, 100 MiB in all. */
function refusedBody({ isQuick }: Bench): () => ChatBody {
  const bytes = (isQuick ? 8 : 100) * MIB;
  const share = Math.floor(bytes / 8) - 256;
  const tooWide = NoisePng.ofBase64Length(4001, share);
  const fine = NoisePng.ofBase64Length(2048, share);
  return () => imageBody(MODEL, [tooWide, ...Array.from({ length: 7 }, () => fine)]);
}

/**
 * What the gateway has taken when it decides cannot be seen while a client pushes: after a refusal it reads on to throw
 * away. So one client sends a step only when the one before has been read and thought about: all it has sent when
 * the answer comes is what the gateway needed.
 */
function inSteps(firstHeaderEnd: number): UploadOptions['beforeSlice'] {
  return async (sentBytes, upload) => {
    if (sentBytes > firstHeaderEnd + STEPPED_BYTES) return;
    const deadline = performance.now() + STEP_TIMEOUT_MS;
    while (upload.consumedBytes() < sentBytes && performance.now() < deadline) await pause(2);
    await pause(QUIET_MS);
  };
}

function toSample(answer: Answer, body: ChatBody): Sample {
  requireStatus(answer, 400, 'IMAGE_TOO_LARGE');
  return {
    consumedAfterHeader: Math.max(0, answer.consumedBytes - body.firstHeaderEnd) / KIB,
    sent: answer.sentBytes / KIB,
    shareSent: (answer.sentBytes / body.byteLength) * 100,
    answered: answer.atMs,
  };
}

export const earlyRefusal: Scenario = {
  name: 'early-refusal',
  what: '100 MiB body whose first picture is too wide: how much is sent until it is refused',
  rounds: 5,
  warmUpRounds: 0,
  units: { consumedAfterHeader: 'KiB', sent: 'KiB', shareSent: '%', answered: 'ms' },
  targets: [
    {
      what: 'consumed after the offending header, KiB',
      contender: stepwise,
      measure: 'consumedAfterHeader',
      atMost: 256,
    },
    {
      what: 'share sent at 20 MB/s when the 400 arrives, %',
      contender: paced,
      measure: 'shareSent',
      atMost: 1,
    },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const nextBody = refusedBody(bench);
    const rig = await IngestRig.open(bench);
    const gateway = await rig.startGateway({});
    const contender = (
      name: string,
      paceOf: (body: ChatBody) => UploadOptions['beforeSlice'],
    ): Contender => ({
      name,
      async measure() {
        const body = nextBody();
        const beforeSlice = paceOf(body) ?? (async () => undefined);
        const options = { signal: bench.signal, sliceBytes: SLICE_BYTES, beforeSlice };
        return toSample(await new Upload(gateway.chat, body, options).answer, body);
      },
    });
    return [
      contender(stepwise, (body) => inSteps(body.firstHeaderEnd)),
      contender(paced, () => pacedAt(PACE_BYTES_PER_S)),
      contender(unpaced, () => undefined),
    ];
  },
};
