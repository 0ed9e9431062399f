import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const script = fileURLToPath(new URL('oracle-process.mjs', import.meta.url));

/** 8-bit RGB, rows from top to bottom. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

export interface OracleRequest {
  /** In the form that the model's template takes. */
  readonly messages: readonly object[];
  readonly images: readonly RgbImage[];
  readonly doImageSplitting: boolean;
  readonly maxTokens: number;
  /** Of all tiles of all images; absent: it makes them itself. */
  readonly pixelValues?: Float32Array;
}

const readySchema = z.object({ isMultimodal: z.boolean() });
const lineSchema = z.union([z.object({ error: z.string() }), z.object({ answer: z.unknown() })]);
const generatedSchema = z.object({ promptIds: z.array(z.number()), tokenIds: z.array(z.number()) });
const completedSchema = z.object({ logprobs: z.array(z.number()), tokenIds: z.array(z.number()) });
const processedSchema = z.object({
  rows: z.number(),
  columns: z.number(),
  dims: z.array(z.number()),
  pixelValues: z.string().transform((text) => {
    const bytes = Buffer.from(text, 'base64');
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }),
});

const base64 = (array: Uint8Array | Float32Array): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
const imageJson = ({ width, height, rgb }: RgbImage) => ({ width, height, rgb: base64(rgb) });

/** transformers.js in a process of its own with one model, asked one question after the other. */
export class TransformersOracle {
  /** Does the model take images? */
  isMultimodal = false;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly lines: AsyncIterator<string>,
  ) {}

  /**
   * Throws an `Error` when it cannot load the folder; the reason is on the standard error stream.
   * @param moduleUrl of transformers.js
   */
  static async start(moduleUrl: string, folder: string): Promise<TransformersOracle> {
    const child = spawn(process.execPath, [script, moduleUrl, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const oracle = new TransformersOracle(child, lines);
    const { isMultimodal } = readySchema.parse(await oracle.read());
    oracle.isMultimodal = isMultimodal;
    return oracle;
  }

  async generate({ images, pixelValues, ...request }: OracleRequest) {
    return generatedSchema.parse(
      await this.ask({
        ...request,
        ask: 'generate',
        images: images.map(imageJson),
        ...(pixelValues && { pixelValues: base64(pixelValues) }),
      }),
    );
  }

  /** Log probabilities of all tokens but the first, in one pass without a cache, and a greedy answer to them. */
  async complete(ids: readonly number[], maxTokens: number) {
    return completedSchema.parse(await this.ask({ ask: 'complete', ids, maxTokens }));
  }

  /** What its image processor makes of an image. */
  async process(image: RgbImage, doImageSplitting: boolean) {
    return processedSchema.parse(
      await this.ask({ ask: 'process', image: imageJson(image), doImageSplitting }),
    );
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.stdin.end();
    await exit;
  }

  private ask(question: object): Promise<unknown> {
    const answer = this.turn.then(() => {
      this.child.stdin.write(`${JSON.stringify(question)}\n`);
      return this.read();
    });
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  private async read(): Promise<unknown> {
    const line = await this.lines.next();
    if (line.done === true) throw new Error('transformers.js has ended.');
    const message = lineSchema.parse(JSON.parse(line.value));
    if ('error' in message) throw new Error(message.error);
    return message.answer;
  }
}
