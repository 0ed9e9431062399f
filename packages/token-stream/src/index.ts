export {
  type AppendOutcome,
  type CancelListener,
  type FollowOptions,
  type StreamEntry,
  type StreamState,
  TokenStream,
} from './port.js';
export { createCoalescingWriter, type TokenWriter } from './token-writer.js';
