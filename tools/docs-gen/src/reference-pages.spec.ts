import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { routes } from '@fovea/gateway/reference';
import { shimMetricTable } from '@fovea/gpu-worker-shim/reference';
import { metricTable } from '@fovea/observability';
import { describe, expect, it } from '@jest/globals';
import { compatibility, routeTests } from './evidence.js';
import { cliVariables, launcherVariables } from './launcher-variables.js';
import { referencePages } from './reference-pages.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const text = (file: string): string => referencePages().find((page) => page.file === file)?.text ?? '';

const ownName = /^(?:FOVEA|HF)_/;
/** From `npm test` to the reporter it starts; nobody else's. */
const internal = 'FOVEA_COUNTS_FILE';

/** Names of our own variables, and of the hub's, that the sources of a folder read. */
async function variablesRead(folder: string): Promise<Set<string>> {
  const files = await readdir(join(root, folder), { recursive: true });
  const sources = files.filter((file) => /\.(ts|mjs)$/.test(file) && !file.includes('.spec.'));
  const texts = await Promise.all(sources.map((file) => readFile(join(root, folder, file), 'utf8')));
  return new Set(texts.flatMap((source) => source.match(/\b(?:FOVEA|HF)_[A-Z_]+\b/g) ?? []));
}

describe('the reference pages', () => {
  it('are those of routes, clients, errors, variables, limits, metrics and commands', () => {
    expect(
      referencePages()
        .map((page) => page.file)
        .sort(),
    ).toEqual([
      'cli.md',
      'compatibility.md',
      'env.md',
      'errors.md',
      'http-api.md',
      'limits.md',
      'metrics.md',
    ]);
  });

  it('show every route and every metric', () => {
    for (const { method, path } of routes) expect(text('http-api.md')).toContain(`## ${method} ${path}\n`);
    for (const { name } of [...metricTable, ...shimMetricTable])
      expect(text('metrics.md')).toContain(`| \`${name}\` |`);
  });

  it('name for each route a spec that is there and asks it', async () => {
    const tests = routeTests();
    const served = routes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(tests).sort()).toEqual([...served].sort());
    for (const { method, path } of routes) {
      const file = tests[`${method} ${path}`] ?? '';
      const spec = await readFile(join(root, file), 'utf8');
      const pattern = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/?\'"`]+');
      // Not as a part of a longer path.
      const asked = new RegExp(`(?<![\\w}])(?:/v1)?${pattern}(?![\\w/-])`).test(spec);
      expect({ route: `${method} ${path}`, file, asked }).toEqual({
        route: `${method} ${path}`,
        file,
        asked: true,
      });
    }
  });

  it('name for each cell of the compatibility table a test that is there', async () => {
    const { features, clients } = compatibility();
    for (const { client, files, tests } of clients) {
      const sources = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')));
      for (const [feature, title] of Object.entries(tests)) {
        const isThere = sources.some((source) => source.includes(`it('${title}'`));
        expect({ client, feature, known: features.includes(feature), title, isThere }).toEqual({
          client,
          feature,
          known: true,
          title,
          isThere: true,
        });
      }
    }
  });

  it('show what each command takes, and the exit codes', () => {
    for (const command of ['chat', 'models validate', 'queues drain', 'keys create', 'doctor']) {
      expect(text('cli.md')).toContain(`## fovea ${command}\n\n\`\`\`text\nUsage: fovea ${command} [`);
    }
    expect(text('cli.md')).toContain('--cancel');
    expect(text('cli.md')).toContain('Exit codes: 0 done;');
  });

  it('show the fields of the chat request', () => {
    for (const field of ['model', 'messages', 'stream', 'max_tokens']) {
      expect(text('http-api.md')).toContain(`| \`${field}\` |`);
    }
  });

  it('know each variable of the launcher and of the command, and no other', async () => {
    const launcher = await variablesRead('tools/launcher');
    const tests = await variablesRead('packages/testing/src');
    const read = new Set([...launcher, ...tests]);
    read.delete(internal);
    expect([...read].sort()).toEqual(Object.keys(launcherVariables).sort());
    const cli = await variablesRead('apps/cli/src');
    cli.delete('FOVEA_API_KEY_FILE');
    // The launcher's, read for the same purpose.
    cli.delete('FOVEA_WORKERS');
    const own = Object.keys(cliVariables).filter((name) => ownName.test(name));
    expect([...cli].sort()).toEqual(own.sort());
  });
});
