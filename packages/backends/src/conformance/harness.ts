import type { Backend, EngineLoad } from '../index.js';

interface ScriptedCall {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** How the engine treats the next request. */
export type EngineScript =
  | {
      readonly kind: 'answer';
      readonly pieces: readonly string[];
      readonly finishReason?: 'stop' | 'length';
      /** The last piece and the finish reason in one message, as vLLM may do. */
      readonly finishWithText?: boolean;
      /** What it thinks in front of the answer. */
      readonly reasoning?: string;
      /** Functions it calls; the request offers them. */
      readonly toolCalls?: readonly ScriptedCall[];
    }
  | { readonly kind: 'refuse'; readonly because: 'image' | 'context' | 'busy' | 'broken' | 'dead' }
  /** Says so many pieces, then the connection is gone. */
  | { readonly kind: 'break-off'; readonly pieces: readonly string[] }
  /** Says so many pieces, then ends as if all were well, but without a finish reason. */
  | { readonly kind: 'no-finish'; readonly pieces: readonly string[] }
  /** Says so many pieces, then nothing more. */
  | { readonly kind: 'hang'; readonly pieces: readonly string[] };

/** What reached the engine of one request. */
export interface SeenByEngine {
  /** Its images in order: the digest of the bytes, hex, and what came with them. */
  readonly images: readonly {
    readonly sha256: string;
    readonly uuid?: string | undefined;
    readonly fileUrl?: string | undefined;
  }[];
  readonly cacheSalt: string | undefined;
  /** Names of the functions it was offered. */
  readonly tools: readonly string[];
}

/** What the suite needs to steer and watch the engine behind a backend. No addresses: they are the adapter's matter. */
export interface BackendHarness {
  readonly backend: Backend;
  /** A model the engine serves, for chats, vectors and scores, and its context length. */
  readonly model: string;
  readonly maxModelLen: number;
  /** Words that must never appear in a public text: the engine's host, port, paths, key. */
  readonly secrets: readonly string[];
  /** For the next request, of whatever kind. */
  script(script: EngineScript): void;
  /** Requests that reached the engine. */
  seenRequests(): number;
  lastSeen(): SeenByEngine;
  /** Puts bytes where the engine can read them; the `file://` address as the engine sees it. */
  placeFile(bytes: Uint8Array): Promise<string>;
  /** Resolves when the engine has given up so many requests because their reader left. */
  untilAborted(count: number): Promise<void>;
  /** Resolves when the engine works on a request. */
  untilRunning(): Promise<void>;
  /** What the engine says of its health; `silent` is no answer at all. */
  setHealth(health: 'well' | 'dead' | 'silent'): void;
  /** What the engine says of its load. */
  showLoad(load: Required<Pick<EngineLoad, 'running' | 'waiting' | 'kvCacheUsage'>>): void;
  stop(): Promise<void>;
}
