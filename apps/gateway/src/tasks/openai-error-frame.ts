import type { FoveaError } from '@fovea/errors';
import type { Usage } from '@fovea/schemas/events';
import { toUsageWire } from '../chat/answer/answer-head.js';
import { toOpenAiBody } from '../http/error-body.js';
import { sseFrame } from '../http/sse-frame.js';

/** The event that breaks a stream of OpenAI's shape. */
export function sseError(error: FoveaError, usage: Usage | undefined): string {
  const counted = usage === undefined ? {} : { usage: toUsageWire(usage) };
  return sseFrame({ ...toOpenAiBody(error), ...counted });
}
