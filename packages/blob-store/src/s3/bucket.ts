import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { translateError, unlessCode } from './request-error.js';

/** What a listing tells of an object. */
export interface ListedObject {
  /** Without the store's prefix. */
  readonly key: string;
  readonly byteSize: number;
  /** By the server's clock, in whole seconds on most servers. */
  readonly modifiedAtMs: number;
}

export interface OpenedObject {
  readonly body: Readable;
  readonly byteSize: number;
}

export interface PutObjectOptions {
  /** Fails with `PreconditionFailed` or `ConditionalRequestConflict` when there is such an object. */
  readonly isNew?: boolean;
}

const EMPTY = Buffer.alloc(0);
const NOT_THERE = ['NoSuchKey', 'NotFound'];
const PAGE = 1_000;

/** The store's part of a bucket: objects by keys relative to a prefix. Every failure is a translated error. */
export class Bucket {
  constructor(
    readonly client: S3Client,
    readonly name: string,
    private readonly prefix: string,
  ) {}

  /** What to add to this machine's clock to get the server's, by which the ages of objects go. */
  get clockOffsetMs(): number {
    return this.client.config.systemClockOffset;
  }

  /** The request's parameters that name an object. */
  locate(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.name, Key: this.prefix + key };
  }

  /** The key of a listed object; undefined for one that is not the store's. */
  relative(fullKey: string | undefined): string | undefined {
    return fullKey?.startsWith(this.prefix) ? fullKey.slice(this.prefix.length) : undefined;
  }

  get fullPrefix(): { Bucket: string; Prefix: string } {
    return { Bucket: this.name, Prefix: this.prefix };
  }

  /** Runs one call of the SDK. An abort throws the signal's own reason. */
  async request<T>(operation: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      throw translateError(operation, error);
    }
  }

  async put(key: string, body: Uint8Array = EMPTY, options: PutObjectOptions = {}): Promise<void> {
    const condition = options.isNew === true ? { IfNoneMatch: '*' } : {};
    const command = new PutObjectCommand({ ...this.locate(key), Body: body, ...condition });
    await this.request('PutObject', () => this.client.send(command));
  }

  /** Undefined when there is no such object. Who gets a body must read or destroy it. */
  async open(key: string, signal?: AbortSignal): Promise<OpenedObject | undefined> {
    const command = new GetObjectCommand(this.locate(key));
    const abort = signal === undefined ? {} : { abortSignal: signal };
    const sent = this.request('GetObject', () => this.client.send(command, abort), signal);
    const answer = await unlessCode(NOT_THERE, sent);
    if (answer === undefined) return undefined;
    const { Body: body, ContentLength: byteSize } = answer;
    if (!(body instanceof Readable)) throw new Error('S3 GetObject: an answer without a body');
    return { body, byteSize: byteSize ?? -1 };
  }

  /** Copies an object within the server; false when it is not there. */
  async copy(from: string, to: string): Promise<boolean> {
    const source = encodeURI(`${this.name}/${this.prefix}${from}`);
    const command = new CopyObjectCommand({ ...this.locate(to), CopySource: source });
    const copied = this.request('CopyObject', () => this.client.send(command)).then(() => true);
    return (await unlessCode(NOT_THERE, copied)) ?? false;
  }

  /** Bytes of an object; undefined when it is not there. */
  async sizeOf(key: string): Promise<number | undefined> {
    const command = new HeadObjectCommand(this.locate(key));
    const answer = await unlessCode(
      NOT_THERE,
      this.request('HeadObject', () => this.client.send(command)),
    );
    return answer?.ContentLength;
  }

  /** S3 does not say whether there was such an object. */
  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.locate(key));
    await unlessCode(
      NOT_THERE,
      this.request('DeleteObject', () => this.client.send(command)),
    );
  }

  /** Objects under a folder-like prefix, in the order of their keys. */
  async *list(under: string, signal?: AbortSignal): AsyncGenerator<ListedObject> {
    let continuation: string | undefined;
    do {
      const page = await this.listPage(under, PAGE, continuation, signal);
      for (const object of page.objects) yield object;
      continuation = page.next;
    } while (continuation !== undefined);
  }

  async isAny(under: string): Promise<boolean> {
    return (await this.listPage(under, 1)).objects.length > 0;
  }

  private async listPage(
    under: string,
    maxKeys: number,
    continuation?: string,
    signal?: AbortSignal,
  ): Promise<{ objects: ListedObject[]; next: string | undefined }> {
    const command = new ListObjectsV2Command({
      Bucket: this.name,
      Prefix: this.prefix + under,
      MaxKeys: maxKeys,
      ...(continuation === undefined ? {} : { ContinuationToken: continuation }),
    });
    const abort = signal === undefined ? {} : { abortSignal: signal };
    const page = await this.request('ListObjectsV2', () => this.client.send(command, abort), signal);
    const objects = (page.Contents ?? []).map(
      ({ Key, Size, LastModified }): ListedObject => ({
        key: this.relative(Key) ?? '',
        byteSize: Size ?? 0,
        modifiedAtMs: LastModified?.getTime() ?? 0,
      }),
    );
    return { objects, next: page.IsTruncated === true ? page.NextContinuationToken : undefined };
  }
}
