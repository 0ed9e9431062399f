/** What the main thread and the lock renewal thread say to each other. */
export interface LockKeys {
  readonly lock: string;
  readonly stalled: string;
  readonly active: string;
  readonly job: string;
}

export interface HeldLock extends LockKeys {
  /** Names the lease between the two threads. */
  readonly holdId: number;
  readonly token: string;
  readonly requestId: string;
  readonly attempt: number;
}

export interface RenewalSettings {
  readonly url: string;
  readonly connectionName: string;
  readonly lockMs: number;
  readonly renewEveryMs: number;
  /** The main loop counts as dead when its heartbeat stood still for that long. */
  readonly blockedLoopMs: number;
  /** One 32-bit counter that the main loop raises. */
  readonly heartbeat: SharedArrayBuffer;
}

export type ToRenewalThread =
  | { readonly kind: 'hold'; readonly held: HeldLock }
  | { readonly kind: 'release'; readonly holdId: number };

export type FromRenewalThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'lost'; readonly holdId: number }
  | { readonly kind: 'failing'; readonly message: string };
