import { Command } from 'commander';
import { type ModelSettings, modelSettingsSchema } from '../api/answers.js';
import { Gateway } from '../api/gateway.js';
import { type ConnectionOptions, findConnection } from '../connection.js';
import { type Terminal, withoutControlCharacters, write } from '../terminal/terminal.js';
import { pullCommand } from './pull/pull-command.js';

/** `fovea models`: what the gateway serves, and folders of models to serve. */
export function modelsCommand(terminal: Terminal): Command {
  const list = new Command('ls')
    .description('List the models: name, status, capabilities, context in tokens.')
    .action(async (_options: unknown, command: Command) => {
      const connection = await findConnection(command.optsWithGlobals<ConnectionOptions>(), terminal);
      const gateway = new Gateway(connection, terminal.signal);
      const models: ModelSettings[] = await gateway.json(modelSettingsSchema, 'GET', '/v1/model-settings');
      await write(terminal.stdout, modelTable(models), terminal.signal);
    });
  return new Command('models')
    .description('Look at the models, or fetch one.')
    .addCommand(list)
    .addCommand(pullCommand(terminal));
}

/** Columns in lines; also a pipe gets them, so `awk '{print $1}'` works. */
export function modelTable(models: readonly ModelSettings[]): string {
  const rows = [
    ['NAME', 'STATUS', 'CAPABILITIES', 'CONTEXT'],
    ...models.map((model) => [
      withoutControlCharacters(model.name).replaceAll('\n', ''),
      withoutControlCharacters(model.status),
      [model.chat ? 'chat' : '', model.multimodal ? 'image' : ''].filter((word) => word).join(',') || '-',
      `${model.max_context_size ?? '-'}`,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
