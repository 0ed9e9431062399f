import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from '@jest/globals';
import { findRedisBinary } from './redis-server.js';

/** Something a suite needs and a machine may lack. */
export interface Requirement {
  readonly name: string;
  /** Why this machine lacks it and what to do, or undefined when it is there. */
  readonly missing: () => string | undefined;
}

/** A program on PATH. */
export function program(name: string): Requirement {
  return {
    name,
    missing: () =>
      spawnSync('sh', ['-c', `command -v ${name}`]).status === 0 ? undefined : `${name} is not on PATH`,
  };
}

/** A Redis server that tests may start. */
export const redisBinary: Requirement = {
  name: 'redis-server',
  missing: () => (findRedisBinary() === undefined ? 'install the package redis-tools' : undefined),
};

/** Speech with transcripts, of Debian's package `pocketsphinx-testdata`. */
export const spokenFolder = '/usr/share/pocketsphinx/test/data';

/** PocketSphinx with its model of US English, and `spokenFolder`. */
export const pocketSphinx: Requirement = {
  name: 'PocketSphinx',
  missing: () => {
    const model = '/usr/share/pocketsphinx/model/en-us/en-us.lm.bin';
    const isThere = ['/usr/bin/pocketsphinx_continuous', model, spokenFolder].every(existsSync);
    return isThere ? undefined : 'install pocketsphinx, pocketsphinx-en-us and pocketsphinx-testdata';
  },
};

const pythonFolder = new URL('../../../.fovea/venv/', import.meta.url);

/** The Python in which `npm test` has installed the clients that we promise to work with. */
export const pythonPath = fileURLToPath(new URL('bin/python', pythonFolder));

/** The clients for Python of `tools/launcher/install/python-requirements.txt`, and schemathesis; run them with `pythonPath`. */
export const pythonClients: Requirement = {
  name: 'Python clients',
  missing: () =>
    // Written last, so an installation that broke off does not count.
    existsSync(new URL('requirements-installed.txt', pythonFolder))
      ? undefined
      : 'npm test makes .fovea/venv where python3 has the module venv',
};

/**
 * A suite that is skipped by name where the machine lacks what it needs. With FOVEA_REQUIRE=all, as in `.ci/run`, it
 * fails instead, so that a gate never turns green by testing less.
 */
export function describeIf(requirement: Requirement, name: string, suite: () => void): void {
  const reason = requirement.missing();
  if (reason === undefined) describe(name, suite);
  else if (process.env.FOVEA_REQUIRE === 'all') {
    describe(name, () => {
      test(`needs ${requirement.name}`, () => {
        throw new Error(`${requirement.name} is missing: ${reason} (FOVEA_REQUIRE=all makes this a failure)`);
      });
    });
  } else describe.skip(`${name} (needs ${requirement.name}: ${reason})`, suite);
}
