import type { ThreadError } from './thread-error.js';

export type ToCallThread<Request> =
  | { readonly call: number; readonly request: Request }
  | { readonly cancel: number };

export type FromCallThread<Answer> =
  | { readonly call: number; readonly answer: Answer }
  | { readonly call: number; readonly error: ThreadError };
