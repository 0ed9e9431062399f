import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import {
  describeIf,
  type RedisServer,
  redisBinary,
  startRedisServer,
  writeIdefics3Folder,
} from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ComposedWorker, composeWorker } from '../compose.js';
import { FakeGateway } from '../fakes/fake-gateway.js';
import { readWorkerConfig } from '../worker.config.js';
import { readWorkerSettings } from '../worker-settings.js';

// The ONNX server as a process of its own, as in production: build before.
const program = fileURLToPath(new URL('../../../gpu-worker-shim/dist/main.js', import.meta.url));

const workerToml = (mediaPath: string): string => `
edition = 1
[generator]
type = "onnx"
media_path = "${mediaPath}"
[queue]
checkpoint_name = "eyes"
version = 1
[queue.models.eyes]
multimodal_enabled = true
maximum_completion_tokens = 4
[queue.models.eyes.chat_task]
supported = true
`;

/** Starts the server on a free port; gives its address when it listens. */
async function startShim(model: string, media: string): Promise<{ child: ChildProcess; url: string }> {
  const env = {
    SHIM_PORT: '0',
    SHIM_MODELS: `eyes=${model}`,
    SHIM_ALLOWED_LOCAL_MEDIA_PATH: media,
    SHIM_THREADS: '1',
  };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { address } = JSON.parse(line);
    if (typeof address === 'string') return { child, url: address };
  }
  throw new Error('The ONNX server did not listen.');
}

/** Stands before the server and keeps the chats that come by. */
async function startWitness(target: string, chats: string[]): Promise<Server> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.url === '/v1/chat/completions') chats.push(body);
    const asked = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body !== '' && { body }),
    });
    response.writeHead(asked.status, { 'content-type': asked.headers.get('content-type') ?? '' });
    response.end(await asked.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describeIf(redisBinary, 'a worker that hands pictures to the ONNX server as files', () => {
  const chats: string[] = [];
  let redis: RedisServer;
  let folder: string;
  let media: string;
  let shim: { child: ChildProcess; url: string };
  let witness: Server;
  let gateway: FakeGateway;
  let worker: ComposedWorker;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-onnx-files-'));
    await mkdir(join(folder, 'blobs'));
    // The engine may see the folder elsewhere, as in a container.
    media = join(folder, 'as the engine sees it');
    await symlink(join(folder, 'blobs'), media);
    const path = join(folder, 'worker.toml');
    await writeFile(path, workerToml(media));
    await writeIdefics3Folder(join(folder, 'model'));
    [redis, shim] = await Promise.all([startRedisServer(), startShim(join(folder, 'model'), media)]);
    witness = await startWitness(shim.url, chats);
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'eyes');
    const { port } = witness.address() as AddressInfo;
    const config = readWorkerConfig({
      BLOB_STORE_URL: `file://${folder}/blobs`,
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: `http://127.0.0.1:${port}`,
      ADAPTER_OPS_PORT: '0',
    });
    worker = await composeWorker({
      config,
      settings: await readWorkerSettings(path, config),
      logger: createLogger({ service: 'worker-adapter', level: 'silent' }),
      onRefused: (error) => {
        throw error;
      },
    });
    worker.start();
  }, 300_000);
  afterAll(async () => {
    await worker?.close({ drainMs: 5_000, force: new AbortController().signal });
    await gateway?.close();
    witness?.close();
    if (shim !== undefined) {
      const left = once(shim.child, 'exit');
      shim.child.kill('SIGTERM');
      await left;
    }
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('sends the file of a picture and none of its bytes, and the picture is seen', async () => {
    const plain = (await gateway.answer(await gateway.ask('what is it'))).at(-1);
    const seen = (await gateway.answer(await gateway.ask('what is it', { picture: true }))).at(-1);
    expect([plain?.type, seen?.type]).toEqual(['generation-end', 'generation-end']);
    if (plain?.type !== 'generation-end' || seen?.type !== 'generation-end') return;
    expect(seen.usage.promptTokens).toBeGreaterThan(plain.usage.promptTokens);
    const body = chats.at(-1) ?? '';
    expect(body).toContain(`"url":"file://${encodeURI(media)}/blobs/`);
    expect(body).not.toContain('base64');
  });
});
