import type { MessagePort } from 'node:worker_threads';
import type { FromCallThread, ToCallThread } from './call-protocol.js';
import { toThreadError } from './thread-error.js';
import { CLOSE, type Opening } from './worker-link.js';

/** What a call thread does. */
export interface CallService<Request, Answer, Facts> {
  readonly facts: Facts;
  /** `isCancelled` is worth asking between long steps, after letting the event loop turn; throw anything to stop. */
  answer(request: Request, isCancelled: () => boolean): Promise<Answer>;
  /** Buffers of the answer that move instead of being copied. */
  transfer(answer: Answer): ArrayBuffer[];
  close(): Promise<void>;
}

/** The thread's side of `CallThread`: opens the service, then answers calls in order until it is told to close. */
export async function serveCalls<Request, Answer, Facts>(
  port: MessagePort,
  open: () => Promise<CallService<Request, Answer, Facts>>,
): Promise<void> {
  const tell = (message: Opening<Facts> | FromCallThread<Answer>, transfer: ArrayBuffer[] = []) =>
    port.postMessage(message, transfer);
  let service: CallService<Request, Answer, Facts>;
  try {
    service = await open();
  } catch (error) {
    tell({ refused: error instanceof Error ? error.message : String(error) });
    port.close();
    return;
  }
  const live = new Set<number>();
  const answerOne = async (call: number, request: Request): Promise<void> => {
    if (!live.has(call)) return;
    try {
      const answer = await service.answer(request, () => !live.has(call));
      if (live.has(call)) tell({ call, answer }, service.transfer(answer));
    } catch (error) {
      if (live.has(call)) tell({ call, error: toThreadError(error) });
    } finally {
      live.delete(call);
    }
  };
  let last = Promise.resolve();
  port.on('message', (message: ToCallThread<Request> | typeof CLOSE) => {
    if (message === CLOSE) {
      live.clear();
      last = last.then(() => service.close()).finally(() => port.close());
    } else if ('cancel' in message) {
      live.delete(message.cancel);
    } else {
      live.add(message.call);
      last = last.then(() => answerOne(message.call, message.request));
    }
  });
  tell({ ready: service.facts });
}
