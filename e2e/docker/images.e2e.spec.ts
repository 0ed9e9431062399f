import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { composeReader, describeIf, findRedisBinary, freePort, readComposeFiles } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { allDone } from '../support/all-done.js';
import { repository } from '../support/part.js';
import { crossPicture, dataUrl, imagePart, samplePicture } from '../support/pictures.js';
import { until } from '../support/until.js';
import { Container } from './container.js';
import { ImageTree, makeContext } from './image-tree.js';

const run = promisify(execFile);
const apps = ['gateway', 'worker-adapter', 'gpu-worker-shim'] as const;
type App = (typeof apps)[number];

interface Service {
  readonly environment: readonly string[] | Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly { readonly source: string; readonly target: string }[];
}

const environmentOf = ({ environment }: Service): Record<string, string> => {
  const isList = (given: Service['environment']): given is readonly string[] => Array.isArray(given);
  return isList(environment)
    ? Object.fromEntries(environment.map((line) => line.split(/=(.*)/s, 2) as [string, string]))
    : { ...environment };
};

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

describeIf(composeReader, 'the images', () => {
  let folder: string;
  const images = new Map<App, ImageTree>();
  const imageOf = (app: App): ImageTree => {
    const image = images.get(app);
    if (image === undefined) throw new Error(`${app} was not built`);
    return image;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-images-'));
    await chmod(folder, 0o755);
    const context = join(folder, 'context');
    await makeContext(context);
    for (const app of apps) images.set(app, await ImageTree.build(app, context, join(folder, app)));
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['gateway', ['gateway', 'playground']],
    ['worker-adapter', ['worker-adapter']],
    ['gpu-worker-shim', ['gpu-worker-shim']],
  ] as const)('of %s holds its program and nothing to build or test it with', async (app, programs) => {
    const { path } = imageOf(app);
    expect((await readdir(join(path, 'apps'))).sort()).toEqual([...programs]);
    expect(await readdir(path)).not.toEqual(expect.arrayContaining(['tools']));
    expect(await readdir(join(path, 'packages'))).not.toContain('testing');
    const own = [...(await filesBelow(join(path, 'apps'))), ...(await filesBelow(join(path, 'packages')))];
    expect(own.filter((file) => /\.(spec\.js|ts|map|tsbuildinfo)$|\/src\//.test(file))).toEqual([]);
    const installed = await readdir(join(path, 'node_modules'));
    for (const tool of ['jest', 'typescript', 'turbo', 'openai']) expect(installed).not.toContain(tool);
  });

  it.each(apps)('of %s lists its packages', async (app) => {
    const text = await readFile(join(imageOf(app).path, 'sbom.cdx.json'), 'utf8');
    const bill = JSON.parse(text) as { bomFormat: string; components: { name: string; version: string }[] };
    expect(bill.bomFormat).toBe('CycloneDX');
    const names = bill.components.map(({ name }) => name);
    expect(names).toContain(
      app === 'gateway' ? 'fastify' : app === 'gpu-worker-shim' ? 'onnxruntime-node' : 'bullmq',
    );
    expect(names).not.toContain('jest');
  });

  it('of the shim has the runtime for this platform alone, and the models', async () => {
    const { path } = imageOf('gpu-worker-shim');
    const native = await filesBelow(join(path, 'node_modules/onnxruntime-node/bin'));
    expect(native.length).toBeGreaterThan(1);
    const here = `/${process.platform}/${process.arch}/`;
    expect(native.filter((file) => !file.includes(here))).toEqual([]);
    expect(await readdir(join(path, 'models/shapes-vlm'))).not.toContain('training');
  });

  describe('started as compose.yml says', () => {
    let services: Readonly<Record<string, Service>>;
    let key: string;
    let place: string;
    let ports: Record<'redis' | 'shim' | 'gateway' | 'ops', number>;
    let redis: ReturnType<typeof spawn>;
    const containers: Container[] = [];

    /** Hosts and mounts of the containers, as this machine has them. */
    const here = (value: string): string =>
      value
        .replaceAll('/run/secrets/', `${place}/secrets/`)
        .replace('file:///blobs', `file://${place}/blobs`)
        .replace('http://shim:8000', `http://127.0.0.1:${ports.shim}`);
    const envOf = (name: string, changes: Record<string, string> = {}): Record<string, string> => {
      const service = services[name];
      if (service === undefined) throw new Error(`no service ${name}`);
      const given = Object.entries(environmentOf(service)).map(([variable, value]) => [
        variable,
        here(value),
      ]);
      return { ...Object.fromEntries(given), ...changes };
    };
    const begin = async (app: App, env: Record<string, string>): Promise<void> => {
      containers.push(await Container.start(imageOf(app), env));
    };

    beforeAll(async () => {
      place = join(folder, 'place');
      ports = {
        redis: await freePort(),
        shim: await freePort(),
        gateway: await freePort(),
        ops: await freePort(),
      };
      await mkdir(join(place, 'docker'), { recursive: true });
      for (const file of ['init-env.sh', '.env.example'])
        await copyFile(join(repository, 'docker', file), join(place, 'docker', file));
      await run('sh', [join(place, 'docker/init-env.sh')]);
      // Mounted one by one, so that the mode of the folder is no hindrance.
      await cp(join(place, 'docker/secrets'), join(place, 'secrets'), { recursive: true });
      await chmod(join(place, 'secrets'), 0o755);
      await mkdir(join(place, 'blobs'));
      await chmod(join(place, 'blobs'), 0o777);
      const url = await readFile(join(place, 'secrets/redis-url'), 'utf8');
      await writeFile(
        join(place, 'secrets/redis-url'),
        url.replace('redis:6379', `127.0.0.1:${ports.redis}`),
      );
      key = (await readFile(join(place, 'secrets/gateway-api-keys'), 'utf8')).trim().replace(/^.*:/, '');
      const model = await readComposeFiles(join(repository, 'docker'), ['compose.yml']);
      services = (model as { services: Record<string, Service> }).services;
      await startRedis();
      const gatewayPorts = { GATEWAY_PORT: `${ports.gateway}`, GATEWAY_OPS_PORT: `${ports.ops}` };
      await allDone([
        begin('gpu-worker-shim', envOf('shim', { SHIM_PORT: `${ports.shim}`, TMPDIR: tmpdir() })),
        begin('gateway', envOf('gateway', { ...gatewayPorts, GATEWAY_HOST: '127.0.0.1' })),
      ]);
      const adapters: Promise<void>[] = [];
      for (const [name, { volumes }] of Object.entries(services)) {
        const file = volumes?.find(({ target }) => target === '/etc/fovea/worker.toml')?.source;
        if (file === undefined) continue;
        const changes = { ADAPTER_CONFIG: file, ADAPTER_OPS_PORT: `${await freePort()}` };
        adapters.push(begin('worker-adapter', envOf(name, changes)));
      }
      await allDone(adapters);
    }, 300_000);
    afterAll(async () => {
      await Promise.all(containers.map((container) => container.stop()));
      if (redis !== undefined && redis.exitCode === null) {
        redis.kill('SIGTERM');
        await once(redis, 'exit');
      }
    });

    /** The command and the health check of the compose file, with this machine's port and folders. */
    async function startRedis(): Promise<void> {
      const bin = join(place, 'bin');
      await mkdir(join(place, 'data'));
      await mkdir(bin);
      await symlink(findRedisBinary() ?? '', join(bin, 'redis-server'));
      const local = (text: string): string =>
        here(text)
          .replace('redis-server -', `redis-server - --bind 127.0.0.1 --port ${ports.redis}`)
          .replace('/data', `${place}/data`)
          .replace('redis-cli', `redis-cli -p ${ports.redis}`);
      const env = { PATH: `${bin}:${process.env.PATH}` };
      const [command = '', ...args] = (services.redis?.command ?? []).map(local);
      redis = spawn(command, args, { env, stdio: 'ignore' });
      const check = local(services.redis?.healthcheck?.test[1] ?? 'false');
      await until('Redis to be healthy', () => run('sh', ['-c', check], { env }).then(() => true));
    }

    const ask = async (model: string, text: string, picture: Buffer): Promise<string> => {
      const content = [imagePart(dataUrl(picture)), { type: 'text', text }];
      const answer = await fetch(`http://127.0.0.1:${ports.gateway}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
      });
      const body = (await answer.json()) as { choices?: { message: { content: string } }[] };
      return body.choices?.[0]?.message.content ?? JSON.stringify(body);
    };

    it('answers about pictures', async () => {
      expect(await ask('shapes-vlm', 'What shape is it?', await crossPicture('#d62728', '#ffffff'))).toMatch(
        /cross/,
      );
      expect(await ask('ocr', 'Read it.', await samplePicture())).not.toContain('"error"');
    });

    it('has every model that comes along, and the playground', async () => {
      const url = `http://127.0.0.1:${ports.gateway}`;
      const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
      const { data } = (await answer.json()) as { data: { id: string }[] };
      expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(['ocr', 'shapes-vlm', 'commands-asr']));
      const page = await fetch(url);
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    });

    it('asks for the key that the script has made', async () => {
      const answer = await fetch(`http://127.0.0.1:${ports.gateway}/v1/models`);
      expect(answer.status).toBe(401);
      expect((await fetch(`http://127.0.0.1:${ports.shim}/v1/models`)).status).toBe(401);
    });

    it('writes nothing into the image, and leaves when it is told to', async () => {
      // Adapters first, as compose stops them by their dependencies.
      const codes = [];
      for (const container of containers.reverse()) codes.push(await container.stop());
      expect(codes).toEqual(containers.map(() => 0));
      const { stdout } = await run('find', [
        ...apps.map((app) => imageOf(app).path),
        '-newer',
        join(place, 'secrets/redis-url'),
        '-type',
        'f',
      ]);
      expect(stdout).toBe('');
    });
  });
});
