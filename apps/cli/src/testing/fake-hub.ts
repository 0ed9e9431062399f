import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type ScriptedGateway, type SeenRequest, scriptedGateway } from './scripted-gateway.js';

export interface HubDouble extends ScriptedGateway {
  /** What the repository holds; a test may change it. */
  readonly files: Map<string, Buffer>;
  /** Breaks the connection off once, behind that many bytes of the file. */
  breakOff(path: string, afterBytes: number): void;
  /** Answers every later request for the file's bytes with these. */
  corrupt(path: string, bytes: Buffer): void;
}

export const COMMIT = 'a'.repeat(40);
/** Larger files are kept by Git LFS, whose digest is another one. */
const LFS_FROM_BYTES = 1000;

function entry(path: string, bytes: Buffer) {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const lfs = { oid: sha256, size: bytes.length, pointerSize: 130 };
  return { type: 'file', path, size: bytes.length, oid, ...(bytes.length >= LFS_FROM_BYTES && { lfs }) };
}

const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** As the Hugging Face hub answers for one model, `owner/model`: facts, list of files, files by range. */
export async function fakeHub(files: Map<string, Buffer>, token?: string): Promise<HubDouble> {
  const resolved = `/owner/model/resolve/${COMMIT}/`;
  const breaks = new Map<string, number>();
  const corrupted = new Map<string, Buffer>();

  const sendFile = (path: string, range: string | undefined, response: ServerResponse): void => {
    const bytes = corrupted.get(path) ?? files.get(path);
    if (bytes === undefined) {
      json(response, 404, { error: 'Entry not found' });
      return;
    }
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const end = to === '' ? bytes.length : Math.min(Number(to) + 1, bytes.length);
    const wanted = bytes.subarray(Number(from), end);
    const headers = { etag: `"${path}"`, 'accept-ranges': 'bytes', 'content-length': wanted.length };
    const contentRange = `bytes ${from}-${end - 1}/${bytes.length}`;
    response.writeHead(range === undefined ? 200 : 206, {
      ...headers,
      ...(range !== undefined && { 'content-range': contentRange }),
    });
    const cut = breaks.get(path);
    if (cut === undefined || wanted.length <= cut) {
      response.end(wanted);
      return;
    }
    breaks.delete(path);
    response.write(wanted.subarray(0, cut), () => response.destroy());
  };

  /** What the API says of a path, as status and body. Undefined: the path is that of a file. */
  const say = (pathname: string): readonly [number, object] | undefined => {
    if (pathname === '/api/models/owner/model/revision/main') {
      return [200, { _id: '1', id: 'owner/model', sha: COMMIT, private: false, gated: false }];
    }
    if (pathname === `/api/models/owner/model/tree/${COMMIT}`) {
      return [200, [...files].map(([path, bytes]) => entry(path, bytes))];
    }
    return pathname.startsWith(resolved) ? undefined : [404, { error: 'Repository not found' }];
  };

  const answer = ({ path: url, authorization, range }: SeenRequest, response: ServerResponse): void => {
    const { pathname } = new URL(url, 'http://hub');
    const isWelcome = token === undefined || authorization === `Bearer ${token}`;
    const said = isWelcome ? say(pathname) : ([401, { error: 'Invalid credentials' }] as const);
    if (said === undefined) sendFile(decodeURIComponent(pathname.slice(resolved.length)), range, response);
    else json(response, ...said);
  };

  const server = await scriptedGateway(answer);
  return {
    ...server,
    files,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    breakOff: (path, afterBytes) => void breaks.set(path, afterBytes),
    corrupt: (path, bytes) => void corrupted.set(path, bytes),
  };
}
