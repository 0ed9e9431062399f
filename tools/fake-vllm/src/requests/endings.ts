import { VllmError } from '../http/vllm-error.js';

/** Why a run stops: the client closed its socket, the only abort vLLM knows. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** Why a run stops: the process or its connections are gone, nothing more can be said to the client. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** What requests in flight and new ones get after the engine process died under its server. */
export function engineDead(): VllmError {
  const message = 'EngineCore encountered an issue. See stack trace (above) for the root cause.';
  return new VllmError(500, message);
}
