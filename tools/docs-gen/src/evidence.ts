import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const read = (path: string): unknown => JSON.parse(readFileSync(`${root}${path}`, 'utf8'));

/** `POST /chat/completions` → the spec file that proves it. */
export const routeTests = (): Record<string, string> =>
  z.record(z.string(), z.string()).parse(read('e2e/contract/route-tests.json'));

const compatibilitySchema = z.object({
  features: z.array(z.string()),
  clients: z.array(
    z.object({
      client: z.string(),
      /** `npm:` or `python:` and the package that is pinned; empty for what the machine brings. */
      version: z.string(),
      /** Where the tests are. */
      files: z.array(z.string()),
      /** Feature → title of the test that backs it. */
      tests: z.record(z.string(), z.string()),
    }),
  ),
});
export type Compatibility = z.infer<typeof compatibilitySchema>;

/** Which client does what, and which test has seen it. */
export const compatibility = (): Compatibility =>
  compatibilitySchema.parse(read('e2e/clients/compatibility.json'));

/** The version of a client that the tests use; throws for one that is not pinned. */
export function pinnedVersion(client: string): string {
  const [registry = '', name = ''] = client.split(':');
  if (registry === '') return '';
  const version = registry === 'npm' ? npmVersion(name) : pythonVersion(name);
  if (version === undefined) throw new Error(`${client} is not pinned`);
  return version;
}

const packageSchema = z.object({ devDependencies: z.record(z.string(), z.string()) });
const npmVersion = (name: string): string | undefined =>
  packageSchema.parse(read('e2e/package.json')).devDependencies[name];

function pythonVersion(name: string): string | undefined {
  const lines = readFileSync(`${root}tools/launcher/install/python-requirements.txt`, 'utf8').split('\n');
  return lines.find((line) => line.startsWith(`${name}==`))?.split('==')[1];
}
