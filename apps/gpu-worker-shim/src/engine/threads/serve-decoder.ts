import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { Decoder, DecoderRow, KvCache } from '../decoder/decoder.js';
import { Scheduler, type SchedulerSettings } from '../scheduling/scheduler.js';
import type { TokenBytes } from '../text/token-text.js';
import type { DecoderThreadFacts, FromDecoderThread, ToDecoderThread } from './decoder-protocol.js';
import { toThreadError } from './thread-error.js';
import { CLOSE, type Opening } from './worker-link.js';

export interface DecoderService<Cache extends KvCache, Row extends DecoderRow> {
  readonly decoder: Decoder<Cache, Row>;
  readonly facts: DecoderThreadFacts;
  readonly tokens: TokenBytes;
  readonly scheduling: SchedulerSettings;
}

/**
 * The decoder thread: runs the scheduler while there is work, sends one message per turn, and lets the event loop turn
 * in between, so that a cancel takes effect before the next step.
 */
export async function serveDecoder<Cache extends KvCache, Row extends DecoderRow>(
  port: MessagePort,
  open: () => Promise<DecoderService<Cache, Row>>,
): Promise<void> {
  const tell = (message: Opening<DecoderThreadFacts> | FromDecoderThread) => port.postMessage(message);
  let service: DecoderService<Cache, Row>;
  try {
    service = await open();
  } catch (error) {
    tell({ refused: error instanceof Error ? error.message : String(error) });
    port.close();
    return;
  }
  const { decoder, facts, tokens, scheduling } = service;
  const scheduler = new Scheduler(decoder, tokens, scheduling);
  let isClosing = false;
  let running: Promise<void> | undefined;
  let hasNews = false;
  const run = async (): Promise<void> => {
    // A cancel leaves no work, but one more turn tells the new load.
    while ((scheduler.hasWork || hasNews) && !isClosing) {
      hasNews = false;
      const { failures, ...tick } = await scheduler.tick();
      tell({ ...tick, failures: failures.map(({ id, error }) => ({ id, error: toThreadError(error) })) });
      await nextTurn();
    }
    running = undefined;
  };
  port.on('message', (message: ToDecoderThread | typeof CLOSE) => {
    if (message === CLOSE) {
      isClosing = true;
      void Promise.resolve(running)
        .then(() => decoder.close())
        .finally(() => port.close());
      return;
    }
    if ('cancel' in message) scheduler.cancel(message.cancel);
    else scheduler.add(message.generate);
    hasNews = true;
    running ??= run();
  });
  tell({ ready: facts });
}
