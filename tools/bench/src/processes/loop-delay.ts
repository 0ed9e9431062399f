import { z } from 'zod';
import { type Child, childScript } from './child.js';

/** Preload for a child with a channel, so that its event-loop delay can be asked for. */
export const loopDelayRecorder = childScript('record-loop-delay');

const reportSchema = z.object({
  p50Ms: z.number(),
  p99Ms: z.number(),
  p999Ms: z.number(),
  worstMs: z.number(),
  samples: z.number(),
});
export type LoopDelay = z.infer<typeof reportSchema>;

/** Begins a new measurement. */
export async function resetLoopDelay(child: Child): Promise<void> {
  await child.ask('reset');
}

/** The delay since the last reset: how much later than asked for a timer fired. */
export async function readLoopDelay(child: Child): Promise<LoopDelay> {
  return reportSchema.parse(await child.ask('read'));
}
