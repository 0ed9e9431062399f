import { textBody } from '../bodies/chat-body.js';
import { sendInTurn } from '../client/small-requests.js';
import { childScript } from '../processes/child.js';
import type { Bench, Contender, Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { FoveaSystem, type GatewayProcess } from '../systems/fovea.js';
import { MODEL } from '../systems/ingest-rig.js';
import { startFakeVllm } from '../systems/plain-servers.js';

const fovea = 'fovea';
const fastifyJson = 'the same with Fastify’s JSON parser';
const BODY_BYTES = 1024;
/** Few enough that a change of the machine's mood hits both contenders. */
const REQUESTS_PER_ROUND = 60;
const WARM_UP_REQUESTS = 300;

/** Both gateways share Redis, worker and engine, so that only the reading differs. */
export const textOverhead: Scenario = {
  name: 'text-overhead',
  what: '1 KB body without pictures: the whole request, one at a time',
  rounds: 25,
  warmUpRounds: 1,
  units: { p50: 'ms', p99: 'ms' },
  targets: [
    { what: '1 KB text-only, p50', contender: fovea, measure: 'p50', relativeTo: fastifyJson, atMost: 1.15 },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const system = await FoveaSystem.start(bench);
    await system.startAdapter(MODEL, await startFakeVllm(MODEL, bench), bench);
    const body = textBody(MODEL, BODY_BYTES);
    const contender = async (name: string, gateway: GatewayProcess): Promise<Contender> => {
      await sendInTurn(gateway.chat, body, WARM_UP_REQUESTS, bench.signal);
      return {
        name,
        async measure() {
          const times = await sendInTurn(gateway.chat, body, REQUESTS_PER_ROUND, bench.signal);
          return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
        },
      };
    };
    const ours = await system.startGateway({}, bench);
    const theirs = await system.startGateway({ preloads: [childScript('fastify-json-reader')] }, bench);
    return [await contender(fovea, ours), await contender(fastifyJson, theirs)];
  },
};
