import { Readable } from 'node:stream';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contextOf } from '../http/request-context.js';
import { beginAnswer, collectEvents } from '../tasks/begin-answer.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { TaskRoute } from '../tasks/task-route.js';
import type { SubmitTokens } from './submit-tokens.js';

/** `GET /models/{name}/tokenizer`: the `tokenizer.json` as the model's folder holds it. */
export class TokenizerHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly tokens: SubmitTokens,
    private readonly blobs: BlobStore,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply, model: string): Promise<void> {
    const { id } = contextOf(request);
    return this.route.run(request, reply, {
      read: () => Promise.resolve({ byteSize: 0 }),
      accept: (_body, asker) =>
        this.tokens.submit(
          { model, kind: 'tokenizer', content: Buffer.alloc(0), toTask: () => ({ kind: 'tokenizer' }) },
          asker,
        ),
      answer: async ({ entries }, { signal }, telemetry) => {
        const begun = await beginAnswer(entries);
        const { queueTimeMs } = begun;
        telemetry.firstOutput(queueTimeMs);
        let file: BlobRef | undefined;
        const { usage } = await collectEvents(begun.entries, (event) => {
          if (event.type === 'document') file = event.blob;
        });
        if (file === undefined) throw new FoveaError('INTERNAL', { detail: 'an answer without its file' });
        setAnswerHeaders(reply, { ignored: [], queueTimeMs });
        await this.#send(reply, file, signal).finally(() =>
          this.blobs.release(`document-${id}`, { linger: false }),
        );
        return { status: 200, usage, queueTimeMs, error: undefined };
      },
    });
  }

  async #send(reply: FastifyReply, file: BlobRef, signal: AbortSignal): Promise<void> {
    const chunks = await this.blobs.open(file, signal);
    reply.code(200);
    reply.header('content-type', 'application/json; charset=utf-8').header('content-length', file.byteSize);
    const finished = new Promise<void>((resolve) => reply.raw.once('close', resolve));
    // The store uses a chunk's memory again; what waits in the socket must be its own.
    const body = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) yield Buffer.from(chunk);
    };
    reply.send(Readable.from(body(), { objectMode: false }));
    await finished;
  }
}
