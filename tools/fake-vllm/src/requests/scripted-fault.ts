import type { ServerResponse } from 'node:http';
import type { Fault } from '../script/behaviour.js';

/** Thrown where a script wants the connection to go wrong. */
export class ScriptedFault extends Error {
  override readonly name = 'ScriptedFault';

  constructor(readonly fault: Fault) {
    super(fault.kind);
  }
}

/** No HTTP, nor a chunk of one. */
const garbage = Buffer.from('\x00\xff\x16\x03\x01 !!! \r\n\r\n', 'latin1');

/** Does to the connection what the fault says. */
export function breakConnection(response: ServerResponse, fault: Fault): void {
  const { socket } = response;
  switch (fault.kind) {
    case 'reset':
      socket?.resetAndDestroy();
      break;
    case 'half-close':
      // Nothing more will come, but what the client sends is still read.
      socket?.end();
      break;
    case 'garbage':
      socket?.end(fault.bytes === undefined ? garbage : Buffer.from(fault.bytes, 'base64'));
      break;
    default:
      if (response.headersSent) response.destroy();
      else socket?.resetAndDestroy();
  }
}
