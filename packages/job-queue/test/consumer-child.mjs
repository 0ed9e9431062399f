/**
 * A worker process for the tests. It takes one job and says `taken`. Then, by the second argument:
 * `hold` keeps it for ever; `block <ms>` blocks the event loop that long, says `kept` or `lost`, and acknowledges
 * what it kept.
 */
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';

const [url, checkpoint, mode, blockMs = '0', blockedLoopMs = '10000'] = process.argv.slice(2);
const queue = createBullMqJobQueue({
  redis: { url, clientName: 'child' },
  role: 'worker',
  blockedLoopMs: Number(blockedLoopMs),
});
const consumer = await queue.consume({ checkpoint, kind: 'text' });
const lease = await consumer.take();
process.stdout.write('taken\n');
if (mode === 'block') {
  // After the line above has left this process.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const until = performance.now() + Number(blockMs);
  while (performance.now() < until);
  // Long enough for a renewal that finds the lock lost, and for its message to come in.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  process.stdout.write(lease.lost.aborted ? 'lost\n' : 'kept\n');
  await lease.acknowledge();
  await consumer.close();
  await queue.close();
} else {
  setInterval(() => undefined, 60_000);
}
