import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { everyFile, folder, readDockerFile } from './installation.js';

describe('docker/init-env.sh', () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'fovea-init-'));
    for (const file of ['init-env.sh', '.env.example']) await copyFile(join(folder, file), join(place, file));
  });
  afterEach(() => rm(place, { recursive: true }));

  const run = () => spawnSync('sh', [join(place, 'init-env.sh')], { encoding: 'utf8', cwd: '/' });
  const everything = async (): Promise<Record<string, string>> => {
    const names = (await readdir(join(place, 'secrets'))).sort();
    const texts = names.map(async (name) => [name, await readFile(join(place, 'secrets', name), 'utf8')]);
    return Object.fromEntries([
      ...(await Promise.all(texts)),
      ['.env', await readFile(join(place, '.env'), 'utf8')],
    ]);
  };

  it('makes every secret that the compose files name, and no other', async () => {
    expect(run()).toMatchObject({ status: 0, stderr: '' });
    const named = await Promise.all(
      everyFile.map(async (file) => Object.keys(parse(await readDockerFile(file)).secrets ?? {})),
    );
    const { '.env': values, ...secrets } = await everything();
    expect(Object.keys(secrets).sort()).toEqual(named.flat().sort());
    expect(values).toBe(await readDockerFile('.env.example'));
    const random = Object.values(secrets).map((text) => /[0-9a-f]{48}/.exec(text)?.[0]);
    // The address of Redis holds its password; the id of the bucket's key is no secret.
    expect(new Set(random.filter((value) => value !== undefined)).size).toBe(named.flat().length - 2);
    expect(secrets['redis-url']).toBe(`redis://:${secrets['redis-password']?.trim()}@redis:6379\n`);
  });

  it('changes nothing that is there, and adds what is missing', async () => {
    run();
    await writeFile(join(place, '.env'), 'LOG_LEVEL=debug\n');
    await writeFile(join(place, 'secrets/gateway-api-keys'), 'acme:mine\n');
    await rm(join(place, 'secrets/vllm-api-key'));
    const before = await everything();
    expect(run().stdout).toBe('made docker/secrets/vllm-api-key\n');
    const { 'vllm-api-key': added, ...rest } = await everything();
    expect(rest).toEqual(before);
    expect(added).toMatch(/^[0-9a-f]{48}\n$/);
    expect(run().stdout).toBe('');
  });

  it('lets nobody else into the folder, and containers read the files', async () => {
    run();
    await chmod(join(place, 'secrets'), 0o755);
    run();
    expect((await stat(join(place, 'secrets'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(place, 'secrets/redis-url'))).mode & 0o777).toBe(0o644);
    expect((await stat(join(place, '.env'))).mode & 0o777).toBe(0o600);
  });
});
