import { Blob } from 'node:buffer';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { FormData } from 'undici';
import { modelSettingsSchema } from '../api/answers.js';
import type { Gateway } from '../api/gateway.js';
import { openGateway } from '../api/open-gateway.js';
import { exitCodes, Failure } from '../failure.js';
import { readFileBounded } from '../terminal/read-file-bounded.js';
import { type Terminal, write } from '../terminal/terminal.js';

/** The body limit of 128 MiB less the rest of the form. */
const MAX_RECORDING_BYTES = 128 * 1024 * 1024 - 64 * 1024;

interface TranscribeOptions {
  readonly model?: string;
  readonly language?: string;
  readonly prompt?: string;
  readonly format: string;
}

async function chooseModel(gateway: Gateway): Promise<string> {
  const models = await gateway.json(modelSettingsSchema, 'GET', '/v1/model-settings');
  const fitting = models.filter((model) => model.worker_type === 'transcription');
  const chosen = fitting.find((model) => model.status === 'available');
  if (chosen !== undefined) return chosen.name;
  const why =
    fitting.length === 0
      ? 'The gateway lists no model for speech'
      : 'No model for speech has a worker at the moment';
  throw new Failure(exitCodes.refused, `${why}; --model names one that is listed as something else.`);
}

async function transcribe(
  file: string,
  options: TranscribeOptions,
  command: Command,
  terminal: Terminal,
): Promise<void> {
  const { env, cwd, signal, stdout, stderr } = terminal;
  const bytes = await readFileBounded(file, cwd, MAX_RECORDING_BYTES);
  if (bytes.length === 0) throw new Failure(exitCodes.usage, `${file} is empty.`);
  const gateway = await openGateway(command, terminal);
  const asked = options.model ?? (env.FOVEA_MODEL || undefined);
  const model = asked ?? (await chooseModel(gateway));
  if (asked === undefined) await write(stderr, `Model ${model}; --model chooses another.\n`, signal);
  const form = new FormData();
  const fields = {
    model,
    response_format: options.format,
    language: options.language,
    prompt: options.prompt,
  };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value);
  form.append('file', new Blob([bytes]), basename(file));
  const answer = await gateway.text('POST', '/v1/audio/transcriptions', form);
  await write(stdout, answer.endsWith('\n') ? answer : `${answer}\n`, signal);
}

/** `fovea transcribe`: a recording's text on stdout. */
export function transcribeCommand(terminal: Terminal): Command {
  const formats = ['text', 'srt', 'vtt', 'json', 'verbose_json'];
  return new Command('transcribe')
    .description('Write down what is said in a recording. The text goes to stdout.')
    .argument('<file>', 'recording, as the model’s engine reads it (WAV, MP3, FLAC, OGG …)')
    .option('-m, --model <name>', 'model to ask (FOVEA_MODEL); left out: the first available one for speech')
    .addOption(new Option('-f, --format <name>', 'form of the answer').choices(formats).default('text'))
    .option('-l, --language <code>', 'language that is spoken, ISO 639-1; left out: the model listens for it')
    .option('--prompt <text>', 'text that may have come before, for names and style')
    .action((file: string, options: TranscribeOptions, command: Command) =>
      transcribe(file, options, command, terminal),
    );
}
