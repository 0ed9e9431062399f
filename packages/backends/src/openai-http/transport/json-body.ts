import { maxPieceBytes, type RequestBody } from './request-body.js';

/** A JSON value as a body that is sent in pieces. */
export function createJsonBody(value: unknown): RequestBody {
  const json = Buffer.from(JSON.stringify(value));
  return {
    byteLength: json.length,
    async *pieces() {
      for (let at = 0; at < json.length; at += maxPieceBytes) yield json.subarray(at, at + maxPieceBytes);
    },
  };
}
