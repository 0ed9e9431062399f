export {
  type BullMqJobQueueOptions,
  createBullMqJobQueue,
} from './bullmq/bullmq-job-queue.js';
export type { UnreadableJob } from './bullmq/envelope.js';
