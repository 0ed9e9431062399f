import { once } from 'node:events';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contextOf } from '../http/request-context.js';
import { beginAnswer, collectEvents } from '../tasks/begin-answer.js';
import { plainHeaders, setAnswerHeaders } from '../tasks/request-head.js';
import type { TaskRoute } from '../tasks/task-route.js';
import type { SubmitTokens } from './submit-tokens.js';

/** `GET /models/{name}/tokenizer`: the `tokenizer.json` as the model's folder holds it. */
export class TokenizerHandler {
  constructor(
    private readonly route: Pick<TaskRoute, 'run'>,
    private readonly tokens: Pick<SubmitTokens, 'submit'>,
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
        try {
          return { status: 200, usage, queueTimeMs, error: await this.#send(reply, file, signal) };
        } finally {
          // Ours since its end was read; until then `Delivery` and the worker see to it.
          await this.blobs.release(id, { linger: false });
        }
      },
    });
  }

  /** Throws what goes wrong before the first byte. Afterwards the connection is broken, and the reason returned. */
  async #send(reply: FastifyReply, file: BlobRef, signal: AbortSignal): Promise<FoveaError | undefined> {
    const chunks = await this.blobs.open(file, signal);
    // Past the framework: a stream that it destroys before it reads would leave open what was opened here.
    reply.hijack();
    const { raw } = reply;
    const type = 'application/json; charset=utf-8';
    raw.writeHead(200, { ...plainHeaders(reply), 'content-type': type, 'content-length': file.byteSize });
    try {
      for await (const chunk of chunks) {
        // The store uses a chunk's memory again; what waits in the socket must be its own.
        if (!raw.write(Buffer.from(chunk))) await once(raw, 'drain', { signal });
      }
      raw.end();
      return undefined;
    } catch (thrown) {
      raw.destroy();
      return FoveaError.from(signal.aborted ? signal.reason : thrown);
    }
  }
}
