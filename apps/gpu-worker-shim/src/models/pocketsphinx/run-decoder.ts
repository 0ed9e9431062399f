import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoveaError } from '@fovea/errors';
import type { PocketSphinx } from './find-pocketsphinx.js';

/** A window takes about ten seconds of processor time. */
const TIMEOUT_MS = 600_000;
/** Some hundred lines are usual. */
const MAX_OUTPUT_BYTES = 256 * 1024;
const MAX_COMPLAINT = 500;
/** Behind the HTTP loop and the engine's threads. */
const NICENESS = 5;

/** Memory where there is a folder of it. */
const soundFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Nothing of this process's environment is the program's business. */
const env = { LC_ALL: 'C' };

/** The same for every recording; nothing in it comes from a client. */
const argumentsFor = (modelFolder: string): string[] => [
  ...['-infile', '/dev/stdin', '-time', 'yes'],
  ...['-hmm', join(modelFolder, 'en-us'), '-lm', join(modelFolder, 'en-us.lm.bin')],
  ...['-dict', join(modelFolder, 'cmudict-en-us.dict')],
];

/**
 * The sound as a file without a name, which goes when it is closed. The program opens `/dev/stdin` by its path, and Linux
 * does not open the sockets that Node makes for `pipe`.
 */
async function openNameless(samples: Int16Array): Promise<FileHandle> {
  const path = join(soundFolder, `fovea-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    // At a place of its own: elsewhere than on Linux the program reads from where this handle stands.
    const { bytesWritten } = await file.write(bytes, 0, bytes.length, 0);
    if (bytesWritten !== bytes.length) throw new Error(`no room for a recording in ${soundFolder}`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Lines that tell what went wrong. The others tell what was said, which belongs into no log. */
function complaintsOf(log: string): string {
  const lines = log.split('\n').filter((line) => /^(ERROR|FATAL|SYSTEM_ERROR)/.test(line));
  return lines.join('; ').slice(0, MAX_COMPLAINT) || 'it told no error';
}

function lowerPriority(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICENESS);
  } catch {
    // It has ended already.
  }
}

/** Standard output of a child that ends well; it is killed when it writes too much or nobody waits any more. */
function outputOf(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const timer = setTimeout(kill, TIMEOUT_MS);
  const output: Buffer[] = [];
  let outputBytes = 0;
  let log = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    outputBytes += bytes.length;
    if (outputBytes <= MAX_OUTPUT_BYTES) output.push(bytes);
    else kill();
  });
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    // Complaints come last.
    log = (log + text).slice(-MAX_OUTPUT_BYTES);
  });
  return new Promise<string>((resolve, reject) => {
    const fail = (what: string) =>
      reject(new FoveaError('INTERNAL', { detail: `PocketSphinx ${what}: ${complaintsOf(log)}` }));
    child.once('error', (error) => fail(`cannot be run (${error.message})`));
    child.once('close', (code, killedBy) => {
      if (signal.aborted) reject(signal.reason);
      else if (code === 0) resolve(Buffer.concat(output).toString('latin1'));
      else fail(`ended with ${killedBy ?? `code ${code}`} after ${outputBytes} bytes`);
    });
  }).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  });
}

/**
 * Hears up to some tens of seconds of sound in a process of its own and returns what it prints: of each utterance its
 * text, then its words with times. The process is gone when this settles. Throws the signal's reason, and `INTERNAL`
 * when the process fails, takes longer than ten minutes or writes more than speech can make.
 *
 * @param samples at 16 kHz, one channel
 */
export async function runDecoder(
  { program, modelFolder }: PocketSphinx,
  samples: Int16Array,
  signal: AbortSignal,
): Promise<string> {
  const sound = await openNameless(samples);
  try {
    signal.throwIfAborted();
    const child = spawn(program, argumentsFor(modelFolder), {
      stdio: [sound.fd, 'pipe', 'pipe'],
      cwd: '/',
      env,
    });
    lowerPriority(child);
    return await outputOf(child, signal);
  } finally {
    await sound.close();
  }
}
