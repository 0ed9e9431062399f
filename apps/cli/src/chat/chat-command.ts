import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { Gateway } from '../api/gateway.js';
import { type ConnectionOptions, findConnection } from '../connection.js';
import { exitCodes, Failure } from '../failure.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { CHAT_PATH, streamedAnswer, wholeAnswer } from './answer.js';
import { chooseModel } from './choose-model.js';
import { pictureDataUrl } from './picture.js';

interface ChatOptions extends ConnectionOptions {
  readonly model?: string;
  readonly image: readonly string[];
  readonly system?: string;
  readonly maxTokens?: number;
  readonly stream: boolean;
  readonly json?: true;
}

const MAX_QUESTION_BYTES = 96 * 1024 * 1024;

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1 up.');
  }
  return value;
}

/** `fovea chat`: one question, with pictures if wanted, and its answer on stdout. */
export function chatCommand(terminal: Terminal): Command {
  return new Command('chat')
    .description('Ask a question, about pictures if you like. The answer goes to stdout as it is made.')
    .argument('[text]', 'the question; "-", or nothing where stdin is no terminal, reads it from there')
    .option('-m, --model <name>', 'model to ask (FOVEA_MODEL); left out: the first available that fits')
    .option(
      '-i, --image <file>',
      'picture to ask about (PNG, JPEG, WebP, GIF); may be given several times',
      (file: string, files: string[]) => [...files, file],
      [],
    )
    .option('-s, --system <text>', 'system message')
    .option('--max-tokens <n>', 'most tokens to generate', positiveInteger)
    .option('--no-stream', 'print the answer when it is complete')
    .option('--json', 'print the whole answer of the gateway as JSON, usage and all')
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      await chat(text, command.optsWithGlobals<ChatOptions>(), terminal);
    });
}

async function chat(text: string | undefined, options: ChatOptions, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const connection = await findConnection(options, terminal);
  const pictures: string[] = [];
  for (const file of options.image) pictures.push(await pictureDataUrl(file, terminal.cwd));
  const isPiped = text === '-' || (text === undefined && terminal.stdin.isTTY !== true);
  const question = isPiped ? await readQuestion(terminal) : (text ?? '');
  if (question === '' && pictures.length === 0) throw new Failure(exitCodes.usage, 'The question is empty.');

  const gateway = new Gateway(connection, signal);
  const asked = options.model ?? (terminal.env.FOVEA_MODEL || undefined);
  const model = asked ?? (await chooseModel(gateway, pictures.length > 0));
  if (asked === undefined) {
    await write(terminal.stderr, `Model ${model}; --model chooses another.\n`, signal);
  }

  const body = chatBody(model, question, pictures, options);
  if (options.json) {
    const answer = await gateway.json(z.unknown(), 'POST', CHAT_PATH, JSON.stringify(body));
    await write(terminal.stdout, `${JSON.stringify(answer, null, 2)}\n`, signal);
    return;
  }
  await printAnswer(options.stream ? streamedAnswer(gateway, body) : wholeAnswer(gateway, body), terminal);
}

async function readQuestion(terminal: Terminal): Promise<string> {
  const pieces: Buffer[] = [];
  let byteCount = 0;
  const leave = (): void => void terminal.stdin.destroy();
  terminal.signal.addEventListener('abort', leave, { once: true });
  try {
    for await (const piece of terminal.stdin) {
      const bytes = Buffer.from(piece);
      byteCount += bytes.length;
      if (byteCount > MAX_QUESTION_BYTES) {
        throw new Failure(exitCodes.usage, `The question has more than ${MAX_QUESTION_BYTES} bytes.`);
      }
      pieces.push(bytes);
    }
  } finally {
    terminal.signal.removeEventListener('abort', leave);
    terminal.signal.throwIfAborted();
  }
  return Buffer.concat(pieces).toString('utf8').trimEnd();
}

function chatBody(
  model: string,
  question: string,
  pictures: readonly string[],
  options: ChatOptions,
): object {
  const images = pictures.map((url) => ({ type: 'image_url', image_url: { url } }));
  const parts = question === '' ? images : [...images, { type: 'text', text: question }];
  const messages = [
    ...(options.system === undefined ? [] : [{ role: 'system', content: options.system }]),
    { role: 'user', content: pictures.length === 0 ? question : parts },
  ];
  return {
    model,
    messages,
    ...(options.maxTokens === undefined ? {} : { max_tokens: options.maxTokens }),
  };
}

async function printAnswer(parts: ReturnType<typeof streamedAnswer>, terminal: Terminal): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  let last = '\n';
  let finishReason = 'stop';
  try {
    for await (const part of parts) {
      if (part.type === 'end') finishReason = part.finishReason;
      else if (part.text !== '') {
        await write(stdout, part.text, signal);
        last = part.text.slice(-1);
      }
    }
  } finally {
    // Also after a cancelled answer: the shell's prompt or the error begins on a line of its own.
    if (last !== '\n' && !stdout.destroyed) stdout.write('\n');
  }
  if (finishReason !== 'stop') await write(stderr, `The answer ended early: ${finishReason}.\n`, signal);
}
