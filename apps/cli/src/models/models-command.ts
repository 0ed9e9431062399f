import { Command } from 'commander';
import type { Terminal } from '../terminal/terminal.js';
import { listCommand } from './list/list-command.js';
import { pullCommand } from './pull/pull-command.js';
import { removeCommand } from './remove-command.js';
import { validateCommand } from './validate/validate-command.js';

/** `fovea models`: what the gateway serves, worker files, and folders of models to serve. */
export const modelsCommand = (terminal: Terminal): Command =>
  new Command('models')
    .description('Look at the models, check worker files, fetch or forget a model.')
    .addCommand(listCommand(terminal))
    .addCommand(validateCommand(terminal))
    .addCommand(pullCommand(terminal))
    .addCommand(removeCommand(terminal));
