import { createHash, type Hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.js';
import { declareHash } from './client.js';
import type { PartBuffer, PartPool } from './part-buffers.js';
import { S3RequestError } from './request-error.js';

/** Parts of one upload on their way while the next one fills. */
const MAX_EXTRAS = 2;

const ABORT_AGAIN_MS = [200, 2_000];

export interface UploadOptions {
  /** Ends the sending of parts. */
  readonly signal: AbortSignal;
  /** Told when a part fails while the source is being read: nobody shall wait for a slow source in vain. */
  readonly onPartFailed: (error: unknown) => void;
}

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

/**
 * One object that is written as its bytes come, in parts. What fits into one part is held back until `complete`, and
 * the object does not exist before that: whoever finds by the digest that it is stored already saves the bytes.
 */
export class Upload {
  private readonly whole = createHash('sha256');
  private partHash: Hash | undefined;
  private current: PartBuffer;
  private uploadId: string | undefined;
  private readonly sent: SentPart[] = [];
  private readonly onTheWay = new Set<Promise<void>>();
  private begunParts = 0;
  private mayExist = false;
  private writtenBytes = 0;

  constructor(
    private readonly bucket: Bucket,
    private readonly key: string,
    private readonly parts: PartPool,
    private readonly options: UploadOptions,
  ) {
    this.current = parts.take();
  }

  get byteSize(): number {
    return this.writtenBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0; ) {
      // Only now is it certain that this part is not the last.
      if (this.current.isFull) await this.sendFullPart();
      const taken = this.current.append(rest);
      const piece = taken === rest.byteLength ? rest : rest.subarray(0, taken);
      this.whole.update(piece);
      this.partHash?.update(piece);
      this.writtenBytes += taken;
      rest = rest.subarray(taken);
    }
  }

  /** Waits until S3 has all parts but a single one. SHA-256 of all bytes. */
  async finish(): Promise<Buffer> {
    if (this.uploadId !== undefined) await this.sendPart(this.current, this.takeHash(), this.uploadId);
    await Promise.all(this.onTheWay);
    this.options.signal.throwIfAborted();
    return this.whole.copy().digest();
  }

  /** Makes the object appear. */
  async complete(): Promise<void> {
    this.mayExist = true;
    if (this.uploadId === undefined) {
      const body = this.current.contents;
      declareHash(body, this.whole.copy().digest('hex'));
      return this.bucket.put(this.key, body);
    }
    const command = new CompleteMultipartUploadCommand({
      ...this.bucket.locate(this.key),
      UploadId: this.uploadId,
      MultipartUpload: { Parts: this.sent.sort((left, right) => left.PartNumber - right.PartNumber) },
    });
    try {
      await this.bucket.request('CompleteMultipartUpload', () => this.bucket.client.send(command));
    } catch (error) {
      // The answer to an earlier try got lost: the upload is over because it was completed.
      const isOver = error instanceof S3RequestError && error.code === 'NoSuchUpload';
      if (!isOver || (await this.bucket.sizeOf(this.key)) !== this.writtenBytes) throw error;
    }
    this.uploadId = undefined;
  }

  /** After `complete`: the object is no longer this upload's to remove. */
  handOver(): void {
    this.mayExist = false;
    this.parts.recycle(this.current);
  }

  /** Leaves nothing of its own behind. Rejects when S3 cannot be reached; a sweep finds what is left then. */
  async discard(): Promise<void> {
    await Promise.all(this.onTheWay);
    if (this.uploadId !== undefined) {
      await this.abort(this.uploadId);
      if (this.options.signal.aborted) void this.abortAgain(this.uploadId);
    }
    if (this.mayExist) await this.bucket.remove(this.key);
  }

  private async abort(uploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({
      ...this.bucket.locate(this.key),
      UploadId: uploadId,
    });
    await this.bucket
      .request('AbortMultipartUpload', () => this.bucket.client.send(command))
      .catch((error: unknown) => {
        if (!(error instanceof S3RequestError && error.code === 'NoSuchUpload')) throw error;
      });
  }

  /** A part that was cut off may be stored after the abort; then, says S3's reference, it takes another one. */
  private async abortAgain(uploadId: string): Promise<void> {
    for (const pauseMs of ABORT_AGAIN_MS) {
      await setTimeout(pauseMs, undefined, { ref: false });
      // A sweep finds what is left then.
      await this.abort(uploadId).catch(() => undefined);
    }
  }

  private async sendFullPart(): Promise<void> {
    this.uploadId ??= await this.begin();
    const { uploadId } = this;
    const hash = this.takeHash();
    const full = this.current;
    const next = this.onTheWay.size < MAX_EXTRAS ? this.parts.tryTakeExtra() : undefined;
    if (next === undefined) {
      await this.sendPart(full, hash, uploadId);
      full.clear();
      return;
    }
    this.current = next;
    const sending: Promise<void> = this.sendPart(full, hash, uploadId)
      .then(
        () => this.parts.recycle(full),
        // The buffer is not used again: a socket may still read from it.
        (error: unknown) => this.options.onPartFailed(error),
      )
      .finally(() => {
        this.parts.giveBackExtra();
        this.onTheWay.delete(sending);
      });
    this.onTheWay.add(sending);
  }

  /** Hash of the part that is full; the next one gets its own. The first part's is that of the whole so far. */
  private takeHash(): string {
    const hash = (this.partHash ?? this.whole.copy()).digest('hex');
    this.partHash = createHash('sha256');
    return hash;
  }

  /** Not ended by the signal: without the answer nobody could abort what was begun. */
  private async begin(): Promise<string> {
    const command = new CreateMultipartUploadCommand(this.bucket.locate(this.key));
    const { client } = this.bucket;
    const answer = await this.bucket.request('CreateMultipartUpload', () => client.send(command));
    if (answer.UploadId === undefined) throw new Error('S3 CreateMultipartUpload: an answer without an id');
    return answer.UploadId;
  }

  private async sendPart(part: PartBuffer, sha256: string, uploadId: string): Promise<void> {
    const { signal } = this.options;
    const { client } = this.bucket;
    const body = part.contents;
    declareHash(body, sha256);
    this.begunParts += 1;
    const number = { UploadId: uploadId, PartNumber: this.begunParts };
    const command = new UploadPartCommand({ ...this.bucket.locate(this.key), ...number, Body: body });
    const answer = await this.bucket.request(
      'UploadPart',
      () => client.send(command, { abortSignal: signal }),
      signal,
    );
    this.sent.push({ PartNumber: number.PartNumber, ETag: answer.ETag });
  }
}
