import type { MessagePort } from 'node:worker_threads';
import type { TakenImages } from './taken-images.js';

/** A body that is to be parsed. Its segments and the port move to the thread. */
export interface BodyCall {
  readonly segments: readonly ArrayBuffer[];
  /** The last segment may have room behind it. */
  readonly byteLength: number;
  /** Takes the pieces of the value, all of them before the answer goes out. */
  readonly pieces: MessagePort;
}

/** What was taken out of the body, or what to tell the client. */
export type BodyAnswer = { readonly images: TakenImages } | { readonly refused: string };
