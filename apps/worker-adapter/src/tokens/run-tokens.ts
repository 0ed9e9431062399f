import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type {
  BlobRef,
  DetokenizeTask,
  InferenceJob,
  JobOf,
  TokenizerTask,
  TokenizeTask,
} from '@fovea/schemas/jobs';
import { z } from 'zod';
import type { ServedModel } from '../generation/request/request-source.js';
import { unreadable } from '../images/engine-image.js';

export type TokensTask = TokenizeTask | DetokenizeTask | TokenizerTask;
export type TokensJob = JobOf<TokensTask>;

const kinds: ReadonlySet<string> = new Set(['tokenize', 'detokenize', 'tokenizer']);
export const isTokens = (job: InferenceJob): job is TokensJob => kinds.has(job.task.kind);

/** Of one event: a write to the log stays below 64 KiB. */
const TOKENS_PER_EVENT = 2048;

const noUsage = { promptTokens: 0, completionTokens: 0 };
const idsSchema = z.array(z.number().int().nonnegative());

/** Answers what clients ask of a model's tokenizer. */
export class TokensRunner {
  /** @param modelPath the folder of the model's files on this host, if the worker file names one */
  constructor(
    private readonly blobs: BlobStore,
    private readonly modelPath: string | undefined,
  ) {}

  /** The events of a job, `generation-end` last. Throws what the engine's methods throw, and `INTERNAL` for a lost blob. */
  async *run(
    job: TokensJob,
    model: ServedModel,
    backend: Pick<Backend, 'tokens'>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly GenerationEvent[]> {
    const about = { requestId: job.id, model: model.engineModel };
    const { task } = job;
    switch (task.kind) {
      case 'tokenize': {
        const text =
          typeof task.text === 'string' ? task.text : await this.#text(job, task.text.blob, signal);
        const { tokenIds, tokens } = await backend.tokens.tokenize({ ...about, text }, signal);
        for (let at = 0; at < tokenIds.length; at += TOKENS_PER_EVENT) {
          const end = at + TOKENS_PER_EVENT;
          const spelled = tokens === undefined ? {} : { tokens: tokens.slice(at, end) };
          yield [{ type: 'tokens', tokenIds: tokenIds.slice(at, end), ...spelled }];
        }
        break;
      }
      case 'detokenize': {
        const tokenIds = Array.isArray(task.tokenIds)
          ? task.tokenIds
          : toIds(await this.#text(job, task.tokenIds.blob, signal));
        const text = await backend.tokens.detokenize({ ...about, tokenIds }, signal);
        yield [{ type: 'text-delta', index: 0, text }];
        break;
      }
      case 'tokenizer':
        yield [{ type: 'document', blob: await this.#storeTokenizer(job, about.model, backend, signal) }];
    }
    yield [{ type: 'generation-end', usage: noUsage }];
  }

  /** The file beside the weights, else the engine's. It is the reader's to release; `settle` knows when there is none. */
  async #storeTokenizer(
    job: TokensJob,
    model: string,
    { tokens }: Pick<Backend, 'tokens'>,
    signal: AbortSignal,
  ): Promise<BlobRef> {
    const path = this.modelPath === undefined ? undefined : join(this.modelPath, 'tokenizer.json');
    const isThere = path !== undefined && (await stat(path).catch(() => undefined))?.isFile() === true;
    const bytes = isThere
      ? contentOf(path)
      : once(await tokens.tokenizerFile({ requestId: job.id, model }, signal));
    const { id: owner, tenant } = job;
    return this.blobs.put(bytes, { tenant, owner, mediaType: 'application/json', signal });
  }

  async #text(job: TokensJob, index: number, signal: AbortSignal): Promise<string> {
    const ref = job.blobs[index];
    if (ref === undefined) throw new FoveaError('INTERNAL', { detail: `the envelope has no blob ${index}` });
    const bytes = await this.blobs.read(ref, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreadable(ref, error);
    });
    return bytes.toString('utf8');
  }
}

/** Opened when it is read: a store that refuses at once reads nothing, and would leave it open. */
async function* contentOf(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function toIds(text: string): number[] {
  try {
    return idsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new FoveaError('INTERNAL', { detail: 'the blob of token ids does not hold them', cause: error });
  }
}
