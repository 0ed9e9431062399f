import { setTimeout as pause } from 'node:timers/promises';
import { type ChatBody, imageBody } from '../bodies/chat-body.js';
import { NoisePng } from '../bodies/png.js';
import { requireStatus } from '../client/require-answer.js';
import { type Answer, pacedAt, Upload } from '../client/upload.js';
import { readBytesConsumed } from '../processes/memory.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import type { GatewayProcess } from '../systems/fovea.js';
import { IngestRig, MIB, MODEL } from '../systems/ingest-rig.js';

const stepwise = 'client in steps';
const paced = 'client at 20 MB/s';
const unpaced = 'client at full speed';

const KIB = 1024;
const STEP_BYTES = 16 * KIB;
/** Who has not refused by then has missed the target by far; the rest is sent at full speed. */
const STEPPED_BYTES = MIB;
/** How long the gateway may chew on a step before the next one comes. */
const QUIET_MS = 25;
const PACE_BYTES_PER_S = 20_000_000;
const PACED_SLICE_BYTES = 16 * KIB;

/** An oversized picture, then others, 100 MiB in all. */
function refusedBody({ isQuick }: Bench): () => ChatBody {
  const bytes = (isQuick ? 8 : 100) * MIB;
  const share = Math.floor(bytes / 8) - 256;
  const tooWide = NoisePng.ofBase64Length(4001, share);
  const fine = NoisePng.ofBase64Length(2048, share);
  return () => imageBody(MODEL, [tooWide, ...Array.from({ length: 7 }, () => fine)]);
}

const afterHeader = (answer: Answer, body: ChatBody): number =>
  Math.max(0, answer.sentBytes - body.firstHeaderEnd);

/**
 * What the gateway has taken when it refuses cannot be seen while a client pushes: kernel buffers hold some MiB, and
 * after a refusal the gateway throws more away on purpose. So one client sends a step only when the one before has been
 * read and thought about: all it has sent when the answer comes is what the gateway needed.
 */
async function inSteps(gateway: GatewayProcess, body: ChatBody, signal: AbortSignal): Promise<Answer> {
  const { pid } = gateway.child;
  const before = await readBytesConsumed(pid);
  const beforeSlice = async (sentBytes: number): Promise<void> => {
    if (sentBytes > body.firstHeaderEnd + STEPPED_BYTES) return;
    const deadline = performance.now() + 2_000;
    // A gateway that stopped reading has decided already; the answer is on its way.
    while ((await readBytesConsumed(pid)) - before < sentBytes && performance.now() < deadline)
      await pause(2);
    await pause(QUIET_MS);
  };
  return new Upload(gateway.chat, body, { signal, sliceBytes: STEP_BYTES, beforeSlice }).answer;
}

function toSample(answer: Answer, body: ChatBody): Sample {
  requireStatus(answer, 400, 'IMAGE_TOO_LARGE');
  return {
    sentAfterHeader: afterHeader(answer, body) / KIB,
    shareSent: (answer.sentBytes / body.byteLength) * 100,
    answered: answer.atMs,
  };
}

export const earlyRefusal: Scenario = {
  name: 'early-refusal',
  what: '100 MiB body whose first picture is too wide: how much is sent until it is refused',
  rounds: 5,
  warmUpRounds: 0,
  units: { sentAfterHeader: 'KiB', shareSent: '%', answered: 'ms' },
  targets: [
    {
      what: 'consumed after the offending header, KiB',
      contender: stepwise,
      measure: 'sentAfterHeader',
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
    const { signal } = bench;
    const contender = (name: string, send: (body: ChatBody) => Promise<Answer>): Contender => ({
      name,
      async measure() {
        const body = nextBody();
        return toSample(await send(body), body);
      },
    });
    return [
      contender(stepwise, (body) => inSteps(gateway, body, signal)),
      contender(paced, (body) => {
        const options = { signal, sliceBytes: PACED_SLICE_BYTES, beforeSlice: pacedAt(PACE_BYTES_PER_S) };
        return new Upload(gateway.chat, body, options).answer;
      }),
      contender(unpaced, (body) => new Upload(gateway.chat, body, { signal }).answer),
    ];
  },
};
