import type { Command } from 'commander';
import { type ConnectionOptions, findConnection } from '../connection.js';
import type { Terminal } from '../terminal/terminal.js';
import { Gateway } from './gateway.js';

/** The gateway that the options of a command and the environment name. */
export async function openGateway(command: Command, terminal: Terminal): Promise<Gateway> {
  const connection = await findConnection(command.optsWithGlobals<ConnectionOptions>(), terminal);
  return new Gateway(connection, terminal.signal);
}
