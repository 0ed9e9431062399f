import { Command, CommanderError } from 'commander';
import { chatCommand } from './chat/chat-command.js';
import { DEFAULT_URL } from './connection.js';
import { doctorCommand } from './doctor/doctor-command.js';
import { type ExitCode, exitCodes, Failure, SilentFailure } from './failure.js';
import { keysCommand } from './keys/keys-command.js';
import { modelsCommand } from './models/models-command.js';
import { queuesCommand } from './queues/queues-command.js';
import type { Terminal } from './terminal/terminal.js';
import { transcribeCommand } from './transcribe/transcribe-command.js';

const EPILOGUE = `
Environment: FOVEA_URL, FOVEA_API_KEY, FOVEA_API_KEY_FILE, FOVEA_MODEL; NO_COLOR.
Inside a checkout where \`npm start\` has run, the key in .fovea/api-key is used for a gateway on this machine.

Exit codes: 0 done; 1 not in order, or unexpected; 2 wrong arguments or unusable file; 3 refused by the gateway;
4 no gateway or Redis there; 5 the answer broke off; 130 cancelled with Ctrl-C.
`;

/** The command line as commander knows it; `docs/reference/cli.md` is written from it. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('fovea')
    .description('Talk to a Fovea gateway from the terminal, and look after the deployment behind it.')
    .option('--url <url>', `address of the gateway (FOVEA_URL; default ${DEFAULT_URL})`)
    .option('--key <key>', 'API key (FOVEA_API_KEY, FOVEA_API_KEY_FILE); other users may see arguments')
    .addHelpText('after', EPILOGUE)
    .addCommand(chatCommand(terminal))
    .addCommand(transcribeCommand(terminal))
    .addCommand(modelsCommand(terminal))
    .addCommand(keysCommand(terminal))
    .addCommand(queuesCommand(terminal))
    .addCommand(doctorCommand(terminal));
  applyToAll(program, (command) => {
    command
      .exitOverride()
      .showHelpAfterError('--help tells what there is.')
      .configureOutput({
        writeOut: (text) => void terminal.stdout.write(text),
        writeErr: (text) => void terminal.stderr.write(text),
      });
  });
  return program;
}

function applyToAll(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const child of command.commands) applyToAll(child, change);
}

/** Runs one command line and tells how the process should end. Never throws, never exits. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await createProgram(terminal).parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (terminal.signal.aborted) return exitCodes.cancelled;
    // Commander has printed its own sentence (or the help that was asked for) by now.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof SilentFailure) return error.exitCode;
    if (error instanceof Failure) {
      terminal.stderr.write(`fovea: ${error.message}\n`);
      return error.exitCode;
    }
    terminal.stderr.write(`fovea: unexpected: ${error instanceof Error ? error.stack : String(error)}\n`);
    return exitCodes.failed;
  }
}
