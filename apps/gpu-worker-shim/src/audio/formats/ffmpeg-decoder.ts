import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { audioTooLong, invalidAudio, type SoundDecoder, type SoundPiece } from '../sound.js';

/** Demuxers that may run. ffmpeg does not guess: what it reads has been recognised. */
export type FfmpegDemuxer = 'mov' | 'aac' | 'matroska';

export interface FfmpegOptions {
  /** Path or name of the program. */
  readonly ffmpeg: string;
  readonly demuxer: FfmpegDemuxer;
  /** In Hz; what comes out has this rate. */
  readonly sampleRate: number;
  /** What is longer is refused. */
  readonly maxAudioS: number;
}

/** Without any output for so long it is ended; output that nobody takes does not count. */
const STALL_MS = 10_000;
const FIND_TIMEOUT_MS = 5_000;
/** Of what ffmpeg complains of, for the message. */
const MAX_COMPLAINT = 200;
const FLOAT_BYTES = 4;

/** Where the program is looked for. Nothing else of this process's environment is its business. */
const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin' };

/** The program, if it is there and runs; undefined otherwise. */
export async function findFfmpeg(program: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(program, ['-version'], { timeout: FIND_TIMEOUT_MS, env });
    return program;
  } catch {
    return undefined;
  }
}

/** The same for every file; nothing in it comes from a client. */
const argumentsFor = ({ demuxer, sampleRate, maxAudioS }: FfmpegOptions): string[] => [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-xerror', '-threads', '1'],
  ...['-protocol_whitelist', 'pipe', '-f', demuxer, '-i', 'pipe:0'],
  ...['-map', '0:a:0', '-vn', '-sn', '-dn', '-t', String(maxAudioS + 1)],
  ...['-ac', '1', '-ar', String(sampleRate), '-f', 'f32le', 'pipe:1'],
];

/** Decodes by the system's ffmpeg: a process of its own that reads from a pipe and opens no file and no connection. */
export class FfmpegDecoder implements SoundDecoder {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly output: AsyncIterator<Buffer>;
  private readonly exit: Promise<number | null>;
  private complaint = '';
  private rest: Buffer = Buffer.alloc(0);
  private samples = 0;
  private isClosed = false;

  constructor(
    bytes: Uint8Array,
    private readonly options: FfmpegOptions,
  ) {
    this.child = spawn(options.ffmpeg, argumentsFor(options), { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.exit = new Promise((resolve) => {
      this.child.once('error', () => resolve(null));
      this.child.once('close', resolve);
    });
    this.child.stderr.on('data', (text: Buffer) => {
      if (this.complaint.length < MAX_COMPLAINT) this.complaint += text.toString('latin1');
    });
    // It closes its input once it has seen enough.
    this.child.stdin.on('error', () => undefined);
    this.child.stdin.end(bytes);
    this.output = this.child.stdout[Symbol.asyncIterator]();
  }

  async read(): Promise<SoundPiece | undefined> {
    while (!this.isClosed) {
      const timer = setTimeout(() => this.child.kill('SIGKILL'), STALL_MS);
      const next = await this.output.next().finally(() => clearTimeout(timer));
      if (next.done === true) return this.end();
      const bytes = Buffer.concat([this.rest, next.value]);
      const count = Math.floor(bytes.length / FLOAT_BYTES);
      this.rest = bytes.subarray(count * FLOAT_BYTES);
      if (count === 0) continue;
      this.samples += count;
      if (this.samples > (this.options.maxAudioS + 1) * this.options.sampleRate)
        throw audioTooLong(this.options.maxAudioS);
      const samples = new Float32Array(count);
      for (let at = 0; at < count; at += 1) {
        const value = bytes.readFloatLE(at * FLOAT_BYTES);
        samples[at] = Number.isFinite(value) ? value : 0;
      }
      return { sampleRate: this.options.sampleRate, samples };
    }
    return undefined;
  }

  close(): void {
    this.isClosed = true;
    this.child.kill('SIGKILL');
  }

  private async end(): Promise<undefined> {
    const code = await this.exit;
    if (this.isClosed) return undefined;
    if (code !== 0 || this.samples === 0) {
      const complaint = this.complaint.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
      const reason =
        code === null
          ? 'it took too long or was ended'
          : complaint.slice(0, MAX_COMPLAINT) || 'it holds no sound';
      throw invalidAudio(`ffmpeg cannot decode it (${reason})`);
    }
    return undefined;
  }
}
