import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { Decoder, KvCache } from '../decoder/decoder.js';
import { Scheduler } from '../scheduler.js';
import type { TokenBytes } from '../text/token-text.js';
import type { DecoderThreadFacts, FromDecoderThread, ToDecoderThread } from './decoder-protocol.js';
import { toThreadError } from './thread-error.js';
import { CLOSE, type Opening } from './worker-link.js';

export interface DecoderService<Cache extends KvCache> {
  readonly decoder: Decoder<Cache>;
  readonly tokens: TokenBytes;
  readonly maxRunning: number;
}

/**
 * The decoder thread: runs the scheduler while there is work, sends one message per turn, and lets the event loop turn
 * in between, so that a cancel takes effect before the next step.
 */
export async function serveDecoder<Cache extends KvCache>(
  port: MessagePort,
  open: () => Promise<DecoderService<Cache>>,
): Promise<void> {
  const tell = (message: Opening<DecoderThreadFacts> | FromDecoderThread) => port.postMessage(message);
  let service: DecoderService<Cache>;
  try {
    service = await open();
  } catch (error) {
    tell({ refused: error instanceof Error ? error.message : String(error) });
    port.close();
    return;
  }
  const { decoder, tokens, maxRunning } = service;
  const scheduler = new Scheduler(decoder, tokens, maxRunning);
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
  tell({ ready: { vocabularySize: decoder.vocabularySize, hiddenSize: decoder.hiddenSize } });
}
