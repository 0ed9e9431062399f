import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { variableRows } from '@fovea/config';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Copy, type Dockerfile, DockerfileParser, type From, type Instruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { z } from 'zod';
import { readDockerFile, root, variablesByApp } from './installation.js';

const packageSchema = z.object({ version: z.string(), devDependencies: z.record(z.string(), z.string()) });
/** What the last stage is built on: the stage that APP names. */
const appStage = `\${APP}`;
const apps = [...variablesByApp.keys()];

describe('docker/Dockerfile', () => {
  let text: string;
  let file: Dockerfile;
  let manifest: z.infer<typeof packageSchema>;
  beforeAll(async () => {
    text = await readDockerFile('Dockerfile');
    file = DockerfileParser.parse(text);
    manifest = packageSchema.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  });

  const from = (stage: string): From | undefined =>
    file.getFROMs().find((each) => each.getBuildStage() === stage);
  /** The instructions of a stage, those of the stages it is built on first. */
  const instructionsOf = (stage: string): Instruction[] => {
    const start = from(stage);
    if (start === undefined) return [];
    const all = file.getInstructions();
    const first = all.findIndex((each) => each.getRange().start.line === start.getRange().start.line);
    const next = all.findIndex((each, index) => index > first && each.getKeyword() === 'FROM');
    const base = instructionsOf(start.getImage() ?? '');
    return [...base, ...all.slice(first + 1, next === -1 ? undefined : next)];
  };
  const argumentsOf = (stage: string, keyword: string): string[] =>
    instructionsOf(stage)
      .filter((each) => each.getKeyword() === keyword)
      .map((each) => each.getArgumentsContent() ?? '');

  it('has nothing that a linter minds', () => {
    expect(validate(text)).toEqual([]);
  });

  it('is built from one pinned image, and ends with the image that APP names', () => {
    const outside = file.getFROMs().filter((each) => from(each.getImage() ?? '') === undefined);
    expect(outside.map((each) => each.getImage())).toEqual(['node:24.21.0-bookworm-slim', appStage]);
    expect(file.getFROMs().at(-1)?.getImage()).toBe(appStage);
    for (const app of apps) expect(from(app)?.getImage()).toBe('runtime');
    const base = argumentsOf('runtime', 'LABEL').join(' ');
    expect(base).toContain(`docker.io/library/${outside[0]?.getImage()}`);
  });

  it('prunes with the turbo of the project, and carries its version', () => {
    const versions = [...text.matchAll(/turbo@([\d.]+)/g)].map((match) => match[1]);
    expect(new Set(versions)).toEqual(new Set([manifest.devDependencies.turbo]));
    expect(argumentsOf('runtime', 'ARG')).toContain(`VERSION=${manifest.version}`);
  });

  it.each(apps)('runs %s without root, under tini, and says when it is healthy', (app) => {
    expect(argumentsOf(app, 'USER')).toEqual(['1000']);
    expect(argumentsOf(app, 'STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(argumentsOf(app, 'HEALTHCHECK')).toHaveLength(1);
    const [entrypoint = '[]'] = argumentsOf(app, 'ENTRYPOINT');
    expect(JSON.parse(entrypoint)).toEqual(['tini', '--', 'node', `apps/${app}/dist/main.js`]);
    expect(existsSync(join(root, `apps/${app}/src/main.ts`))).toBe(true);
    // Nothing is copied or run as another user behind it.
    const keywords = instructionsOf(app).map((each) => each.getKeyword());
    expect(keywords.slice(keywords.indexOf('USER'))).not.toEqual(expect.arrayContaining(['COPY']));
    expect(keywords.slice(keywords.indexOf('USER'))).not.toEqual(expect.arrayContaining(['RUN']));
  });

  it.each(apps)('labels the image of %s, and puts the list of its packages into it', (app) => {
    const labels = argumentsOf(app, 'LABEL').join(' ');
    for (const name of ['title', 'description', 'licenses', 'version', 'revision', 'vendor'])
      expect(labels).toContain(`org.opencontainers.image.${name}=`);
    const copied = instructionsOf(app).flatMap((each) =>
      each instanceof Copy ? (each.getFromFlag() ?? []) : [],
    );
    expect(copied).toHaveLength(1);
    const stage = copied[0]?.getValue() ?? '';
    expect(argumentsOf(stage, 'RUN').join('\n')).toContain('--sbom-format=cyclonedx > sbom.cdx.json');
  });

  it.each(apps)('sets variables that %s reads, and exposes its default port', (app) => {
    const rows = variableRows(variablesByApp.get(app) ?? {});
    const given = argumentsOf(app, 'ENV').flatMap((line) =>
      [...line.matchAll(/([A-Z_]+)=/g)].map((match) => match[1]),
    );
    const known = ['NODE_ENV', ...rows.map((row) => row.name)];
    expect(given.filter((name) => !known.includes(name ?? ''))).toEqual([]);
    const ports = { gateway: 'GATEWAY_PORT', 'gpu-worker-shim': 'SHIM_PORT' } as Record<string, string>;
    expect(argumentsOf(app, 'EXPOSE')).toEqual(
      rows.filter((row) => row.name === ports[app]).map((row) => row.default),
    );
  });
});
