import { Command } from 'commander';
import { openGateway } from '../api/open-gateway.js';
import { type Terminal, write } from '../terminal/terminal.js';

/** `fovea models rm`. */
export function removeCommand(terminal: Terminal): Command {
  return new Command('rm')
    .description(
      'Forget a checkpoint: its package, all versions, and the model names it offers. Takes an admin key.',
    )
    .argument('<checkpoint>', 'as `fovea models ls` lists it')
    .addHelpText(
      'after',
      '\nIts workers must be stopped, and no request may wait for it. A worker that starts again registers it anew.\n',
    )
    .action(async (checkpoint: string, _options: unknown, command: Command) => {
      const gateway = await openGateway(command, terminal);
      await gateway.remove(`/v1/model-packages/${encodeURIComponent(checkpoint)}`);
      await write(terminal.stderr, `Forgot ${checkpoint}.\n`, terminal.signal);
    });
}
