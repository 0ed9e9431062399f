import { exitCodes, Failure } from '../failure.js';

/** Far over what the gateway sends in one line (it keeps them under 100 KiB). */
const MAX_LINE_CHARACTERS = 1024 * 1024;

/**
 * The `data:` payloads of a server-sent event stream, whatever pieces the bytes arrive in.
 * Comments and other fields are skipped; an event cut off by the end of the stream is dropped.
 */
export async function* sseData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const piece of bytes) {
    pending += decoder.decode(piece, { stream: true });
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > MAX_LINE_CHARACTERS) {
      throw new Failure(exitCodes.interrupted, 'The gateway sent a line that is too long to be an event.');
    }
    for (const line of lines) {
      if (line.startsWith('data:')) yield line.slice('data:'.length).trim();
    }
  }
}
