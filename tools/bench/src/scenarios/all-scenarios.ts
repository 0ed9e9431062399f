import type { Scenario } from '../scenario.js';
import { abortLatency } from './abort-latency.js';
import { bigBodyPeers } from './big-body-peers.js';
import { earlyRefusal } from './early-refusal.js';
import { engineBatching } from './engine/engine-batching.js';
import { engineLoopDelay } from './engine/engine-loop-delay.js';
import { engineLargePeer, engineSmallPeer } from './engine/engine-peers.js';
import { engineSecondQuestion } from './engine/engine-second-question.js';
import { engineSoak } from './engine/engine-soak.js';
import { healthUnderImages } from './health-under-images.js';
import { ingestLoopDelay } from './ingest-loop-delay.js';
import { ingestMemory } from './ingest-memory.js';
import { ingestTime } from './ingest-time.js';
import { textOverhead } from './text-overhead.js';

/** In the order in which they run. */
export const allScenarios: readonly Scenario[] = [
  ingestTime,
  ingestMemory,
  ingestLoopDelay,
  earlyRefusal,
  textOverhead,
  abortLatency,
  healthUnderImages,
  bigBodyPeers,
  engineBatching,
  engineLoopDelay,
  engineSecondQuestion,
  engineSoak,
  engineSmallPeer,
  engineLargePeer,
];
