import { exitCodes, Failure } from '../../failure.js';
import type { HubFile } from './choose-files.js';

export interface HubSettings {
  /** `https://huggingface.co` */
  readonly hubUrl: string;
  /** Never shown. */
  readonly accessToken: string | undefined;
  readonly signal: AbortSignal;
}

/** What `@huggingface/hub` throws for an answer that is an error. */
function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
}

function toFailure(error: unknown, what: string, hubUrl: string): Failure {
  const status = statusOf(error);
  if (status === undefined) {
    return new Failure(exitCodes.unreachable, `${hubUrl} does not answer as a hub does.`, { cause: error });
  }
  const hint =
    status === 401 || status === 403
      ? ': it needs a token that may read it (HF_TOKEN)'
      : status === 404
        ? ': there is no such model or revision'
        : '';
  return new Failure(exitCodes.refused, `The hub answered ${status} for ${what}${hint}.`, { cause: error });
}

/** One revision of a model on the hub. */
export class HubRepository {
  private constructor(
    private readonly id: string,
    /** The commit that the revision was when it was looked up; all files are of it. */
    readonly commit: string,
    private readonly settings: HubSettings,
  ) {}

  /** Throws a `Failure` when the hub does not know the model or is not there. */
  static async open(id: string, revision: string, settings: HubSettings): Promise<HubRepository> {
    const { modelInfo } = await import('@huggingface/hub');
    try {
      const info = await modelInfo({ name: id, revision, additionalFields: ['sha'], ...common(settings) });
      return new HubRepository(id, info.sha, settings);
    } catch (error) {
      settings.signal.throwIfAborted();
      throw toFailure(error, `${id} at ${revision}`, settings.hubUrl);
    }
  }

  async files(): Promise<HubFile[]> {
    const { listFiles } = await import('@huggingface/hub');
    const { id, commit: revision, settings } = this;
    const files: HubFile[] = [];
    try {
      for await (const entry of listFiles({ repo: id, revision, recursive: true, ...common(settings) })) {
        if (entry.type !== 'file' || entry.oid === undefined) continue;
        const digest = entry.lfs
          ? { kind: 'sha256' as const, hex: entry.lfs.oid.replace(/^sha256:/, '') }
          : { kind: 'git' as const, hex: entry.oid };
        files.push({ path: entry.path, size: entry.size, digest });
      }
    } catch (error) {
      settings.signal.throwIfAborted();
      throw toFailure(error, `the files of ${id}`, settings.hubUrl);
    }
    return files;
  }

  /** The bytes of a file from `start` on. Breaks off with an error when the connection does. */
  async read(file: HubFile, start: number): Promise<AsyncIterable<Uint8Array>> {
    const { downloadFile } = await import('@huggingface/hub');
    const { id, commit: revision, settings } = this;
    try {
      // Ranges of one plain answer: what came so far is a beginning of the file, and can be gone on with.
      const blob = await downloadFile({
        repo: id,
        path: file.path,
        revision,
        xet: false,
        ...common(settings),
      });
      if (blob === null) throw new Error('the hub lists the file and does not have it');
      return start === 0 ? blob.stream() : blob.slice(start).stream();
    } catch (error) {
      settings.signal.throwIfAborted();
      throw toFailure(error, file.path, settings.hubUrl);
    }
  }
}

const common = ({ hubUrl, accessToken, signal }: HubSettings) => ({
  hubUrl,
  ...(accessToken !== undefined && { accessToken }),
  fetch: (input: string | URL | Request, init?: RequestInit) => fetch(input, { ...init, signal }),
});
