import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { type EmbedTask, embedInputsSchema, type InferenceJob, type RerankTask } from '@fovea/schemas/jobs';
import { z } from 'zod';
import type { Engine } from '../engine/engine.js';
import type { ServedModel } from '../generation/request/request-source.js';
import { unreadable } from '../images/engine-image.js';
import { embedKind, rerankKind } from './batch-kinds.js';
import { Batcher, type BatchLimits } from './batcher.js';

export type PoolingTask = EmbedTask | RerankTask;
export type PoolingJob = Omit<InferenceJob, 'task'> & { readonly task: PoolingTask };

export const isPooling = (job: InferenceJob): job is PoolingJob =>
  job.task.kind === 'embed' || job.task.kind === 'rerank';

/** Vectors of one write to the log: 256 KiB at 4096 dimensions. */
const VECTORS_PER_EVENTS = 12;

const textsSchema = z.array(z.string()).min(1);

/** Runs jobs that read texts and generate nothing: vectors and scores. */
export class PoolingRunner {
  readonly #blobs: BlobStore;
  readonly #limits: BatchLimits;
  readonly #known = new Map<Engine, ReturnType<typeof createBatchers>>();

  constructor(blobs: BlobStore, limits: BatchLimits) {
    this.#blobs = blobs;
    this.#limits = limits;
  }

  /** The events of a job, `generation-end` last. Throws what the engine's methods throw, and `INTERNAL` for a lost blob. */
  async *run(
    job: PoolingJob,
    model: ServedModel,
    engine: Engine,
    signal: AbortSignal,
  ): AsyncGenerator<readonly GenerationEvent[]> {
    const about = { requestId: job.id, model: model.engineModel };
    const { task } = job;
    if (task.kind === 'rerank') {
      const documents = await this.#read(job, task.documents, textsSchema, signal);
      const request = { ...about, query: task.query, documents };
      const answer = await this.#batchers(engine).rerank.run(request, signal);
      const scores = answer.scores.map((score, index) => ({ type: 'score' as const, index, score }));
      yield [...scores, endOf(answer.promptTokens)];
      return;
    }
    const inputs = await this.#read(job, task.inputs, embedInputsSchema, signal);
    const { dimensions } = task;
    const request = { ...about, inputs, ...(dimensions === undefined ? {} : { dimensions }) };
    const { vectors, promptTokens } = await this.#batchers(engine).embed.run(request, signal);
    for (let at = 0; at < vectors.length; at += VECTORS_PER_EVENTS) {
      yield vectors
        .slice(at, at + VECTORS_PER_EVENTS)
        .map((vector, offset) => ({ type: 'embedding' as const, index: at + offset, vector }));
    }
    yield [endOf(promptTokens)];
  }

  #batchers(engine: Engine): ReturnType<typeof createBatchers> {
    const known = this.#known.get(engine) ?? createBatchers(engine, this.#limits);
    this.#known.set(engine, known);
    return known;
  }

  /** What stands in the envelope, or in the blob that it names. */
  async #read<T extends readonly unknown[]>(
    job: PoolingJob,
    inputs: NoInfer<T> | { readonly blob: number },
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    if (!('blob' in inputs)) return inputs;
    const ref = job.blobs[inputs.blob];
    if (ref === undefined)
      throw new FoveaError('INTERNAL', { detail: `the envelope has no blob ${inputs.blob}` });
    const bytes = await this.#blobs.read(ref, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreadable(ref, error);
    });
    try {
      return schema.parse(JSON.parse(bytes.toString('utf8')));
    } catch (error) {
      throw new FoveaError('INTERNAL', { detail: 'the blob of inputs does not hold inputs', cause: error });
    }
  }
}

const endOf = (promptTokens: number): GenerationEvent => ({
  type: 'generation-end',
  usage: { promptTokens, completionTokens: 0 },
});

/** Each engine has its own: a call goes to one of them. */
const createBatchers = ({ backend }: Engine, limits: BatchLimits) => ({
  embed: new Batcher(embedKind(backend), limits),
  rerank: new Batcher(rerankKind(backend), limits),
});
