import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { codeOf, exitCodes, Failure } from '../../failure.js';
import { type Terminal, write } from '../../terminal/terminal.js';
import { chooseFiles, precisionSuffixes } from './choose-files.js';
import { fetchFile } from './fetch-file.js';
import { HubRepository } from './hub-repository.js';
import { ProgressLine } from './progress-line.js';

const HUB_URL = 'https://huggingface.co';

interface PullOptions {
  readonly revision: string;
  readonly dtype: readonly string[];
  readonly into?: string;
}

function parseId(text: string): string {
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(text)) return text;
  throw new InvalidArgumentError('A model on the hub is "owner/name".');
}

function parsePrecisions(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !precisionSuffixes.has(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`"${unknown}" is none of ${[...precisionSuffixes.keys()].join(', ')}.`);
}

async function pull(id: string, options: PullOptions, terminal: Terminal): Promise<void> {
  const { env, signal } = terminal;
  const folder = resolve(terminal.cwd, options.into ?? join('models', id.slice(id.indexOf('/') + 1)));
  const repository = await HubRepository.open(id, options.revision, {
    hubUrl: (env.HF_ENDPOINT || HUB_URL).replace(/\/+$/, ''),
    accessToken: env.HF_TOKEN || undefined,
    signal,
  });
  const files = chooseFiles(await repository.files(), options.dtype);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const line = new ProgressLine(terminal);
  let done = 0;
  for (const file of files) {
    try {
      const isNew = await fetchFile(folder, file, repository, (bytes) =>
        line.show(file.path, done + bytes, total),
      );
      line.clear();
      terminal.stderr.write(`${isNew ? 'fetched' : 'unchanged'} ${file.path}\n`);
    } catch (error) {
      line.clear();
      throw toFailure(error, file.path, folder, signal);
    }
    done += file.size;
  }
  terminal.stderr.write(`${id} at ${repository.commit.slice(0, 12)}, ${files.length} files.\n`);
  await write(terminal.stdout, `${folder}\n`, signal);
}

/** Errors of the disk and of a connection that breaks in the middle, as sentences. */
function toFailure(error: unknown, path: string, folder: string, signal: AbortSignal): unknown {
  if (error instanceof Failure || signal.aborted) return error;
  const code = codeOf(error);
  if (['ENOSPC', 'EACCES', 'EROFS', 'ENOTDIR', 'EISDIR'].includes(code)) {
    return new Failure(exitCodes.usage, `${join(folder, path)} cannot be written (${code}).`, {
      cause: error,
    });
  }
  const again = 'run the command again to go on';
  return new Failure(exitCodes.interrupted, `${path} broke off; ${again}.`, { cause: error });
}

/** `fovea models pull`: fetches a model folder from the Hugging Face hub. The only command that does. */
export function pullCommand(terminal: Terminal): Command {
  return new Command('pull')
    .description('Fetch a folder of ONNX files from the Hugging Face hub; prints where it is.')
    .argument('<hub-id>', 'owner/name', parseId)
    .option('--revision <name>', 'branch, tag or commit', 'main')
    .option('--dtype <list>', `precisions: ${[...precisionSuffixes.keys()].join(', ')}`, parsePrecisions, [
      'fp32',
    ])
    .option('--into <folder>', 'where to put it (default models/<name>)')
    .addHelpText(
      'after',
      '\nEnvironment: HF_TOKEN for models that ask for it, HF_ENDPOINT for another hub.\n' +
        'What broke off is gone on with; every file is checked against the digest that the hub tells.\n',
    )
    .action((id: string, options: PullOptions) => pull(id, options, terminal));
}
