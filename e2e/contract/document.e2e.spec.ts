import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeIf, pythonClients, pythonPath } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EveryTask, listener, startEveryTask, writer } from '../support/every-task.js';
import { repository } from '../support/part.js';
import { keys } from '../support/system.js';
import { nullCases, type Schema, type Schemas } from './null-cases.js';

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
  };
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Schemas };
}

/** What the fuzzer may take. It tests less on a slow machine, but for the examples, which come first. */
const FUZZ_SECONDS = 20;
const MANY_FIELDS = '^/(chat/completions|complete|complete/json|completions|evaluate)$';
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'unsupported_method',
  'allow_header_conformance',
  // Of schemathesis_hooks.py.
  'no_internals',
  'has_request_id',
];

describe('GET /openapi.json', () => {
  let world: EveryTask;
  let document: OpenApi;
  let folder: string;
  let documentPath: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-document-'));
    documentPath = join(folder, 'openapi.json');
    world = await startEveryTask();
    const text = await (await fetch(`${world.system.url}/openapi.json`)).text();
    await writeFile(documentPath, text);
    document = JSON.parse(text) as OpenApi;
  }, 120_000);
  afterAll(async () => {
    await world?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs schemathesis; the same requests each time, as far as the time goes. */
  async function fuzz(scope: readonly string[]) {
    const counts = join(folder, `counts-${scope[0]}.json`);
    const bound = ['--max-examples', '8', '--max-time', `${FUZZ_SECONDS}`, '--request-timeout', '30'];
    const repeatable = ['--generation-deterministic', '--no-shrink', '--continue-on-failure'];
    const quiet = ['--no-color', '--warnings', 'off', '--checks', checks.join(',')];
    const where = ['--url', `${world.system.url}/v1`, '--header', `Authorization: Bearer ${keys.alpha}`];
    const { code, out } = await run(
      join(dirname(pythonPath), 'schemathesis'),
      ['run', documentPath, ...where, ...scope, ...bound, ...repeatable, ...quiet],
      {
        PYTHONPATH: join(repository, 'e2e/contract'),
        SCHEMATHESIS_HOOKS: 'schemathesis_hooks',
        FOVEA_WRITER: writer,
        FOVEA_LISTENER: listener,
        FOVEA_COUNTS: counts,
      },
    );
    return { code, out, seen: JSON.parse(await readFile(counts, 'utf8')) as Record<string, number> };
  }

  async function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1', ...env },
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
    }
    const [code]: unknown[] = await once(child, 'close');
    return { code, out };
  }

  describeIf(pythonClients, 'judged by others', () => {
    it('is a valid OpenAPI 3.1 document', async () => {
      const { code, out } = await run(pythonPath, ['-m', 'openapi_spec_validator', documentPath]);
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('OK') });
    }, 60_000);

    it.each([
      // Of the requests with many fields the examples and random ones; of all others each edge of each field, too.
      ['--include-path-regex', 'examples,fuzzing'],
      ['--exclude-path-regex', 'examples,coverage,fuzzing'],
    ])(
      'is what schemathesis finds, and no 500: %s',
      async (paths, phases) => {
        const { code, out, seen } = await fuzz([paths, MANY_FIELDS, '--phases', phases]);
        expect({ code, out: code === 0 ? '' : out }).toEqual({ code: 0, out: '' });
        // The fuzzer got past the door: each of these worked at least once.
        const served =
          paths === '--include-path-regex'
            ? ['/chat/completions', '/complete', '/evaluate', '/completions']
            : ['/embeddings', '/rerank', '/tokenize', '/transcribe', '/audio/transcriptions'];
        expect(served.filter((path) => (seen[`POST ${path} 200`] ?? 0) === 0)).toEqual([]);
      },
      180_000,
    );
  });

  it.each([
    '/models',
    `/models/${writer}`,
    '/model-settings',
    '/models_available',
    `/image-tokens?model=${writer}&width=100&height=100`,
    '/limits',
    '/version',
    '/health',
  ])('describes %s, which is there twice', async (path) => {
    const [, name = ''] = path.split(/[?/]/);
    expect(Object.keys(document.paths).some((each) => each.startsWith(`/${name}`))).toBe(true);
    const [plain, versioned] = await Promise.all([
      world.system.fetch(path),
      world.system.fetch(`/v1${path}`),
    ]);
    expect([plain.status, versioned.status]).toEqual([200, 200]);
    expect(await plain.text()).toBe(await versioned.text());
  });

  it('means by null of an optional property, at any depth, that it is not there', async () => {
    const { schemas } = document.components;
    const differing: string[] = [];
    let count = 0;
    for (const [path, { post }] of Object.entries(document.paths)) {
      const json = post?.requestBody?.content['application/json'];
      if (json === undefined || Array.isArray(json.example)) continue;
      const base = { ...(json.example as object), model: writer };
      const judge = async (value: unknown): Promise<string> => {
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify(value);
        const answer = await world.system.fetch(path, { method: 'POST', headers, body });
        const { code = '', param = '', error } = (await answer.json()) as Record<string, unknown>;
        return `${answer.status} ${code} ${(error as { param?: string } | undefined)?.param ?? param}`;
      };
      for (const { path: field, present, absent } of nullCases(json.schema, schemas, base)) {
        count += 1;
        const [withNull, without] = await Promise.all([judge(present), judge(absent)]);
        if (withNull !== without) differing.push(`${path} ${field}: ${withNull}, not ${without}`);
      }
    }
    expect(differing).toEqual([]);
    expect(count).toBeGreaterThan(150);
  }, 120_000);

  it('leaves nothing behind but files, which stay until they are deleted', async () => {
    // Those that the fuzzer had no time left to delete.
    const { data } = (await (await world.system.fetch('/files')).json()) as { data: { id: string }[] };
    for (const { id } of data) {
      expect((await world.system.fetch(`/files/${id}`, { method: 'DELETE' })).status).toBe(200);
    }
    await world.system.untilClean();
  }, 90_000);
});
