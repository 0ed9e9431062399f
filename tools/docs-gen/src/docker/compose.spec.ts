import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { variableRows } from '@fovea/config';
import { parseWorkerFile } from '@fovea/model-registry/worker-file';
import { composeReader, describeIf } from '@fovea/testing';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  everyFile,
  folder,
  type Installation,
  overlays,
  ownServices,
  readDockerFile,
  readInstallation,
  root,
  variablesByApp,
} from './installation.js';

const rowsOf = (app: string) => variableRows(variablesByApp.get(app) ?? {});
const secretRows = (app: string) => rowsOf(app).filter((row) => row.secret);

describeIf(composeReader, 'the compose files', () => {
  let whole: Installation;
  beforeAll(async () => {
    whole = await readInstallation(everyFile);
  });

  it.each([[[]], ...overlays.map((overlay) => [[overlay]])])('are read with %p', async (added) => {
    const { services } = await readInstallation(['compose.yml', ...added]);
    expect(Object.keys(services)).toEqual(expect.arrayContaining(['gateway', 'redis', 'shim']));
  });

  it('run every program, and a worker for every model that comes along', async () => {
    expect(new Set(ownServices(whole).map(({ app }) => app))).toEqual(new Set(variablesByApp.keys()));
    const { services } = await readInstallation(['compose.yml']);
    const mounted = Object.values(services).flatMap(({ volumes }) =>
      volumes.filter(({ target }) => target === '/etc/fovea/worker.toml').map(({ source }) => source),
    );
    const there = await readdir(join(root, 'models/workers'));
    expect(mounted.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort()).toEqual(there.sort());
  });

  it('give each program variables that it reads, and all that it requires', () => {
    for (const { name, app, service } of ownServices(whole)) {
      const rows = rowsOf(app);
      const known = rows.flatMap((row) => (row.secret ? [row.name, `${row.name}_FILE`] : [row.name]));
      const given = Object.keys(service.environment);
      const unknown = given.filter((variable) => !known.includes(variable));
      const isGiven = (variable: string) => given.includes(variable) || given.includes(`${variable}_FILE`);
      const lacking = rows.filter((row) => row.required && row.name !== 'SHIM_MODELS').map((row) => row.name);
      expect({ name, unknown, lacking: lacking.filter((variable) => !isGiven(variable)) }).toEqual({
        name,
        unknown: [],
        lacking: [],
      });
    }
  });

  it('hand secrets over as files that the service mounts, never as values', () => {
    for (const { name, app, service } of ownServices(whole)) {
      const asValues = secretRows(app).filter((row) => row.name in service.environment);
      const files = secretRows(app).flatMap((row) => service.environment[`${row.name}_FILE`] ?? []);
      const targets = service.secrets.map(({ target }) => target);
      expect({ name, asValues }).toEqual({ name, asValues: [] });
      // What a worker file names is mounted, too: `api_key_file`.
      expect({ name, targets }).toEqual({ name, targets: expect.arrayContaining(files) });
    }
    const used = Object.values(whole.services).flatMap((service) =>
      service.secrets.map(({ source }) => source),
    );
    expect(new Set(used)).toEqual(new Set(Object.keys(whole.secrets)));
  });

  it('mount files and folders that are there', () => {
    const mounts = Object.values(whole.services).flatMap((service) => service.volumes);
    const bound = mounts.filter(({ type }) => type === 'bind').map(({ source }) => source);
    expect(bound.filter((source) => !existsSync(source))).toEqual([]);
    expect(bound.length).toBeGreaterThan(4);
    expect(mounts.filter(({ type, read_only }) => type === 'bind' && !read_only)).toEqual([]);
  });

  it('let nothing write to its image, keep no capability, and publish to this machine alone', () => {
    for (const [name, service] of Object.entries(whole.services)) {
      expect({ name, options: service.security_opt }).toEqual({ name, options: ['no-new-privileges:true'] });
      // vLLM compiles and caches below /root, as root; see the guide.
      if (name === 'vllm') continue;
      expect({ name, isReadOnly: service.read_only, drop: service.cap_drop }).toEqual({
        name,
        isReadOnly: true,
        drop: ['ALL'],
      });
    }
    const ports = Object.values(whole.services).flatMap((service) => service.ports);
    expect(ports.map(({ host_ip, target }) => [host_ip, target])).toEqual(
      expect.arrayContaining([
        ['127.0.0.1', 8080],
        ['127.0.0.1', 3000],
      ]),
    );
    expect(ports).toHaveLength(2);
  });

  it('pin every image, ours to the version of the project', async () => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
    for (const { image, build } of Object.values(whole.services)) {
      expect(image).toMatch(
        build === undefined ? /:v?\d+\.\d+\.\d+(-\w+)?$/ : new RegExp(`^fovea/[a-z-]+:${version}$`),
      );
    }
  });

  it('wait for services that say when they are healthy, and leave time to drain', () => {
    for (const { name, app, service } of ownServices(whole)) {
      const [seconds = 0] =
        /^\d+/
          .exec(
            service.stop_grace_period?.replace(
              /^(\d+)m(\d+)s$/,
              (_all, m, s) => `${Number(m) * 60 + Number(s)}s`,
            ) ?? '',
          )
          ?.map(Number) ?? [];
      const longest = app === 'gpu-worker-shim' ? 'SHIM_DRAIN_S' : 'REQUEST_TIMEOUT_S';
      const limit = Number(rowsOf(app).find((row) => row.name === longest)?.default);
      expect({ name, leavesTime: seconds > limit }).toEqual({ name, leavesTime: true });
    }
    for (const service of Object.values(whole.services)) {
      for (const [dependency, { condition }] of Object.entries(service.depends_on)) {
        const { build, healthcheck } = whole.services[dependency] ?? {};
        if (condition === 'service_healthy') expect(build ?? healthcheck).toBeDefined();
      }
    }
  });

  it('send worker-adapters to engines that are there', () => {
    for (const { app, service } of ownServices(whole)) {
      if (app !== 'worker-adapter') continue;
      const { hostname, port } = new URL(service.environment.ADAPTER_ENGINE_URL ?? '');
      expect(Object.keys(whole.services)).toContain(hostname);
      expect(port).toBe('8000');
    }
  });

  it('start vLLM as its worker file says', async () => {
    const file = parseWorkerFile(await readDockerFile('vllm/worker.toml'), 'worker.toml');
    const { command, volumes, secrets } = whole.services.vllm ?? {};
    const flag = (name: string) =>
      command?.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3);
    expect(file.warnings).toEqual([]);
    expect(flag('served-model-name')).toBe(file.queue.models[0]?.name);
    expect(flag('max-num-seqs')).toBe(`${file.generator.maxNumSeqs}`);
    expect(flag('allowed-local-media-path')).toBe(file.generator.mediaPath);
    expect(volumes).toContainEqual(
      expect.objectContaining({ source: 'blobs', target: file.generator.mediaPath, read_only: true }),
    );
    expect(secrets?.map(({ target }) => target)).toContain(file.generator.apiKeyFile);
  });

  it('let Prometheus find every process of ours, on the port where it serves metrics', async () => {
    const scrapeSchema = z.object({
      scrape_configs: z.array(
        z.object({ dns_sd_configs: z.array(z.object({ names: z.array(z.string()), port: z.number() })) }),
      ),
    });
    const scraped = scrapeSchema
      .parse(parse(await readDockerFile('observability/prometheus.yml')))
      .scrape_configs.flatMap(({ dns_sd_configs: found }) =>
        found.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
      );
    const ports: Record<string, number> = { gateway: 8081, 'worker-adapter': 4000, 'gpu-worker-shim': 8000 };
    const served = ownServices(whole).map(({ name, app }) => `${name}:${ports[app]}`);
    expect(scraped.sort()).toEqual([...served, 'vllm:8000'].sort());
    for (const { app, service } of ownServices(whole)) {
      if (app === 'gateway') expect(service.environment.GATEWAY_OPS_HOST).toBe('0.0.0.0');
      if (app === 'worker-adapter') expect(service.environment.ADAPTER_OPS_HOST).toBe('0.0.0.0');
    }
  });

  it('keep media where one variable says, for every program alike', async () => {
    const stores = ownServices(whole).flatMap(({ service }) => service.environment.BLOB_STORE_URL ?? []);
    expect(stores).toHaveLength(ownServices(whole).length - 1);
    expect(new Set(stores)).toEqual(new Set(['file:///blobs']));
    const files = (await Promise.all(['common.yml', ...everyFile].map(readDockerFile))).join('');
    expect(files.match(/^ +BLOB_STORE_URL:.*/gm)).toEqual([expect.stringContaining('{BLOB_STORE_URL:-')]);
  });

  it('serve the bucket that compose.s3.yml asks to name', async () => {
    const text = await readDockerFile('compose.s3.yml');
    const named = /BLOB_STORE_URL=s3:\/\/(\w+)\?endpoint=http:\/\/(\w+):(\d+)/.exec(text);
    const [, bucket = '', host = '', port] = named ?? [];
    const started = whole.services[host]?.entrypoint?.join(' ');
    expect(started).toContain(`/objects/${bucket} `);
    expect(started).toContain(`--port :${port} `);
  });
});

describe('docker/.env.example', () => {
  it('lists what the compose files ask for, at most ten values, and says what they take without', async () => {
    const text = await readDockerFile('.env.example');
    const listed = new Map([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map((match) => [match[1], match[2]]));
    const files = await Promise.all(['common.yml', ...everyFile].map(readDockerFile));
    const asked = files.flatMap((file) => [...file.matchAll(/(?<!\$)\$\{([A-Z_]+):-([^}]*)\}/g)]);
    expect(files.join('').match(/(?<!\$)\$\{/g)).toHaveLength(asked.length);
    expect(listed.size).toBeLessThanOrEqual(10);
    listed.delete('COMPOSE_FILE');
    expect(new Map(asked.map((match) => [match[1], match[2]]))).toEqual(listed);
    expect(existsSync(join(folder, '.env.example'))).toBe(true);
  });
});
