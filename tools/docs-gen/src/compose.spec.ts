import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Variables, variableRows } from '@fovea/config';
import { variables as gatewayVariables } from '@fovea/gateway/reference';
import { shimVariables } from '@fovea/gpu-worker-shim/reference';
import { variables as adapterVariables } from '@fovea/worker-adapter/reference';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';

const folder = fileURLToPath(new URL('../../../docker/', import.meta.url));
const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

const serviceSchema = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()).default([]),
  healthcheck: z.unknown().optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});
const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const variablesByApp: Readonly<Record<string, Variables>> = {
  gateway: gatewayVariables,
  'worker-adapter': adapterVariables,
  'gpu-worker-shim': shimVariables,
};
const compose = async () => composeSchema.parse(parse(await read('compose.yml'), { merge: true }));
const appOf = (dockerfile: string): string => dockerfile.replace(/^docker\/(.*)\.Dockerfile$/, '$1');

async function builtServices() {
  const { services } = await compose();
  return Object.entries(services).flatMap(([name, service]) =>
    service.build === undefined ? [] : [{ name, app: appOf(service.build.dockerfile), service }],
  );
}

describe('docker/compose.yml', () => {
  it('gives each program variables that it reads, and all that it requires', async () => {
    for (const { name, app, service } of await builtServices()) {
      const rows = variableRows(variablesByApp[app] ?? {});
      const given = Object.keys(service.environment);
      const known = new Set(
        rows.flatMap((row) => (row.secret ? [row.name, `${row.name}_FILE`] : [row.name])),
      );
      expect({ name, unknown: given.filter((variable) => !known.has(variable)) }).toEqual({
        name,
        unknown: [],
      });
      const required = rows.filter((row) => row.required).map((row) => row.name);
      expect(given).toEqual(expect.arrayContaining(required));
    }
  });

  it('runs every program', async () => {
    const apps = (await builtServices()).map(({ app }) => app);
    expect([...new Set(apps)].sort()).toEqual(Object.keys(variablesByApp).sort());
  });

  it('takes secrets from the environment and does not start while one is empty', async () => {
    const secrets = new Set(
      Object.values(variablesByApp)
        .flatMap((variables) => variableRows(variables))
        .filter((row) => row.secret)
        .map((row) => row.name),
    );
    for (const { service } of await builtServices()) {
      for (const [name, value] of Object.entries(service.environment)) {
        if (secrets.has(name)) expect(value).toMatch(/\$\{[A-Z_]+:\?/);
      }
    }
  });

  it('asks for no variable that .env.example does not list', async () => {
    const asked = (await read('compose.yml')).matchAll(/(?<!\$)\$\{([A-Z_]+)/g);
    const listed = (await read('.env.example')).matchAll(/^([A-Z_]+)=/gm);
    const names = (matches: Iterable<RegExpMatchArray>) =>
      [...new Set([...matches].map((match) => match[1]))].sort();
    expect(names(asked)).toEqual(names(listed));
  });

  it('pins its images, waits for healthy services, and mounts only named volumes it declares', async () => {
    const { services, volumes } = await compose();
    for (const [name, service] of Object.entries(services)) {
      expect(service.image).toMatch(/:\d+\.\d+\.\d+/);
      for (const { condition } of Object.values(service.depends_on))
        expect(condition).toBe('service_healthy');
      for (const dependency of Object.keys(service.depends_on))
        expect(Object.keys(services)).toContain(dependency);
      for (const mount of service.volumes) {
        const [source = ''] = mount.split(':');
        expect({ name, known: source.startsWith('..') || source in volumes }).toEqual({ name, known: true });
      }
    }
    expect(services.redis?.healthcheck).toBeDefined();
  });

  it('mounts worker files that are there', async () => {
    for (const { service } of await builtServices()) {
      for (const mount of service.volumes) {
        const [source = ''] = mount.split(':');
        if (source.startsWith('..')) expect(await read(source)).toContain('edition = 1');
      }
    }
  });
});

describe('the Dockerfiles', () => {
  const texts = () => Promise.all(Object.keys(variablesByApp).map((app) => read(`${app}.Dockerfile`)));

  it('build from one pinned image', async () => {
    const bases = (await texts()).map((text) => /^FROM (node:\d+\.\d+\.\d+-\S+) AS node$/m.exec(text)?.[1]);
    expect(new Set(bases).size).toBe(1);
    expect(bases[0]).toMatch(/^node:24\./);
  });

  it('run without root, say when they are healthy, and stop by SIGTERM', async () => {
    for (const text of await texts()) {
      const last = text.slice(text.lastIndexOf('\nFROM '));
      expect(last).toMatch(/^USER node$/m);
      expect(last).toMatch(/^HEALTHCHECK /m);
      expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m);
    }
  });
});
