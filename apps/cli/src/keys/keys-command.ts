import { Command } from 'commander';
import { createdKeySchema, keysSchema } from '../api/answers.js';
import { openGateway } from '../api/open-gateway.js';
import { table } from '../terminal/table.js';
import { type Terminal, write } from '../terminal/terminal.js';

const PATH = '/v1/users/me/tokens';

function createKeyCommand(terminal: Terminal): Command {
  return new Command('create')
    .description('Create a key. Its secret goes to stdout, once; nobody can show it again.')
    .argument('[description]', 'what it is for')
    .option('--json', 'print the id, the description and the secret as JSON')
    .action(async (description: string | undefined, options: { json?: true }, command: Command) => {
      const gateway = await openGateway(command, terminal);
      const body = JSON.stringify(description === undefined ? {} : { description });
      const { metadata, token } = await gateway.json(createdKeySchema, 'POST', PATH, body);
      const { signal, stdout, stderr } = terminal;
      const about = { id: metadata.token_id, description: metadata.description ?? null };
      await write(
        stdout,
        options.json ? `${JSON.stringify({ ...about, secret: token })}\n` : `${token}\n`,
        signal,
      );
      await write(stderr, `Created ${about.id}. The secret is shown only now.\n`, signal);
    });
}

function listKeysCommand(terminal: Terminal): Command {
  return new Command('ls')
    .description('List the keys that your tenant has created: id and description.')
    .option('--json', 'print a JSON array')
    .action(async (options: { json?: true }, command: Command) => {
      const gateway = await openGateway(command, terminal);
      const answer = await gateway.json(keysSchema, 'GET', PATH);
      const keys = answer.map((key) => ({ id: key.token_id, description: key.description ?? null }));
      const rows = keys.map(({ id, description }) => [id, description || '-']);
      const text = options.json ? `${JSON.stringify(keys)}\n` : table([['ID', 'DESCRIPTION'], ...rows]);
      await write(terminal.stdout, text, terminal.signal);
    });
}

function revokeKeyCommand(terminal: Terminal): Command {
  return new Command('revoke')
    .description('End a key. Requests that run with it go on; new ones are refused.')
    .argument('<id>', 'as `fovea keys ls` lists it')
    .action(async (id: string, _options: unknown, command: Command) => {
      const gateway = await openGateway(command, terminal);
      await gateway.remove(`${PATH}/${encodeURIComponent(id)}`);
      await write(terminal.stderr, `Revoked ${id}.\n`, terminal.signal);
    });
}

/** `fovea keys`: the API keys of the caller's tenant. */
export const keysCommand = (terminal: Terminal): Command =>
  new Command('keys')
    .description('Create, list and revoke API keys of your tenant. Configured keys are not among them.')
    .addCommand(createKeyCommand(terminal))
    .addCommand(listKeysCommand(terminal))
    .addCommand(revokeKeyCommand(terminal));
