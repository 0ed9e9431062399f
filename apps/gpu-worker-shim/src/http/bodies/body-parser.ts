import { setImmediate } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Calls, CallThread } from '../../engine/threads/call-thread.js';
import { SpareThread } from '../../engine/threads/spare-thread.js';
import { Turnstile } from '../../engine/turnstile.js';
import { MalformedRequest } from '../vllm-error.js';
import type { LargeBody } from './large-body.js';
import type { BodyAnswer, BodyCall } from './thread/body-protocol.js';
import type { TakenImages } from './thread/taken-images.js';
import { ValueBuilder, type ValuePiece } from './thread/value-pieces.js';

/** A body that was parsed. */
export interface ParsedBody {
  readonly value: unknown;
  readonly images: TakenImages;
}

type BodyCalls = Calls<BodyCall, BodyAnswer>;

/** How long pieces may be put together before the event loop turns. */
const SLICE_MS = 2;

/** Strings of large bodies stay in the thread's heap until it grows again, so it does not live on for nothing. */
const IDLE_MS = 30_000;

const neverAborted = new AbortController().signal;

const startThread = (): Promise<{ readonly thread: BodyCalls }> =>
  CallThread.start<BodyCall, BodyAnswer, undefined>('http/bodies/thread/body-entry.js', undefined);

const isPiece = (message: unknown): message is ValuePiece =>
  message === 'close' || (typeof message === 'object' && message !== null);

/** The port is never started: messages are received, which is where their cost lies, one at a time. */
async function takeValue(port: MessagePort, signal: AbortSignal): Promise<unknown> {
  const builder = new ValueBuilder();
  let begunAtMs = performance.now();
  for (;;) {
    const piece: unknown = receiveMessageOnPort(port)?.message;
    if (piece === undefined) return builder.finish();
    if (!isPiece(piece)) throw new Error('The body thread sent no piece.');
    builder.add(piece);
    if (performance.now() - begunAtMs < SLICE_MS) continue;
    await setImmediate();
    signal.throwIfAborted();
    begunAtMs = performance.now();
  }
}

/**
 * Parses large bodies in a thread, one after the other. The first one starts it, and the next one does again where it
 * died, of which the request that it was busy with hears as an `INTERNAL` error.
 */
export class BodyParser {
  /** Bodies wait on this side, where those whose client has left cost nothing more. */
  private readonly turnstile = new Turnstile(1);
  private readonly thread: SpareThread<BodyCall, BodyAnswer>;

  /** @param start in place of the real thread, for tests of its death */
  constructor(start: () => Promise<{ readonly thread: BodyCalls }> = startThread) {
    this.thread = new SpareThread(start, 0, IDLE_MS);
  }

  /**
   * Returns or throws when the thread is done with the body, not before, so whoever counts the bytes in memory can go by it.
   *
   * @throws MalformedRequest for what is no JSON or too much of it, and the signal's reason.
   */
  async parse(body: LargeBody, signal: AbortSignal): Promise<ParsedBody> {
    return this.turnstile.pass(signal, async () => {
      const { port1, port2 } = new MessageChannel();
      try {
        const { segments, byteLength } = body.take();
        const call: BodyCall = { segments, byteLength, pieces: port2 };
        const answer = await this.thread.call(call, neverAborted, [...segments, port2]);
        signal.throwIfAborted();
        if ('refused' in answer) throw new MalformedRequest(answer.refused);
        return { value: await takeValue(port1, signal), images: answer.images };
      } finally {
        port1.close();
      }
    });
  }

  close(): Promise<void> {
    return this.thread.close();
  }
}
