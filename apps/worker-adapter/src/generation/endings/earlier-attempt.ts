import type { TokenStream } from '@fovea/token-stream';
import type { UsageCount } from '../usage-count.js';

const PAGE = 500;

/** Counts what an earlier attempt wrote before its worker was lost. */
export async function countEarlierAttempt(
  stream: TokenStream,
  requestId: string,
  usage: UsageCount,
): Promise<void> {
  let afterId = 0;
  for (;;) {
    const entries = await stream.read(requestId, afterId, PAGE);
    for (const entry of entries) usage.add(entry.events);
    const last = entries.at(-1);
    if (last === undefined || entries.length < PAGE) return;
    afterId = last.id;
  }
}
