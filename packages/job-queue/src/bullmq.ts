export {
  type BullMqJobQueueOptions,
  createBullMqJobQueue,
} from './bullmq/bullmq-job-queue.js';
export { createBullMqLaneControl } from './bullmq/bullmq-lane-control.js';
export type { UnreadableJob } from './bullmq/envelope.js';
