import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError } from './config-error.js';
import { readVariables } from './read-variables.js';
import { durationS, flag, integer, list, port, redisUrl, text } from './values.js';
import { variable, variableRows } from './variable.js';

const variables = {
  GATEWAY_PORT: variable(port().default(8080), { help: 'Port of the API.' }),
  GATEWAY_OPS_PORT: variable(port().optional(), { help: 'Ops port.', defaultText: 'a free port' }),
  GATEWAY_API_KEYS: variable(text(), { help: 'Keys.', secret: true }),
  REDIS_URL: variable(redisUrl(), { help: 'Redis.' }),
  CORS_ORIGINS: variable(list().default([]), { help: 'Origins.' }),
  REQUEST_TIMEOUT_S: variable(durationS({ min: 1 }).default(300), { help: 'Longest request.' }),
};

const good = { GATEWAY_API_KEYS: 'acme:k1', REDIS_URL: 'redis://127.0.0.1:6379/' };

function problemsOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('no ConfigError was thrown');
}

describe('readVariables', () => {
  let folder: string;
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives typed values, defaults and undefined for what is optional', () => {
    const config = readVariables(variables, { ...good, CORS_ORIGINS: 'https://a, https://b,' });
    const keys: string = config.GATEWAY_API_KEYS;
    const opsPort: number | undefined = config.GATEWAY_OPS_PORT;
    expect(keys).toBe('acme:k1');
    expect(opsPort).toBeUndefined();
    expect(config.GATEWAY_PORT).toBe(8080);
    expect(config.REDIS_URL).toBe('redis://127.0.0.1:6379');
    expect(config.CORS_ORIGINS).toEqual(['https://a', 'https://b']);
  });

  it('freezes the configuration and its lists', () => {
    const config = readVariables(variables, { ...good, CORS_ORIGINS: 'a' });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.CORS_ORIGINS)).toBe(true);
  });

  it('reports every problem at once, in the order of the declarations', () => {
    const error = problemsOf(() =>
      readVariables(variables, { GATEWAY_PORT: '80 80', REQUEST_TIMEOUT_S: '0' }),
    );
    expect(error.problems).toEqual([
      { variable: 'GATEWAY_PORT', found: '"80 80"', expected: 'a port number from 0 to 65535' },
      { variable: 'GATEWAY_API_KEYS', found: 'nothing', expected: 'some text' },
      { variable: 'REDIS_URL', found: 'nothing', expected: 'a redis:// or rediss:// address' },
      { variable: 'REQUEST_TIMEOUT_S', found: '"0"', expected: 'seconds, as a number of at least 1' },
    ]);
    expect(error.format().split('\n')).toHaveLength(5);
    expect(error.format()).toContain('  GATEWAY_PORT: found "80 80", expected a port number');
  });

  it('takes an empty string as unset', () => {
    expect(readVariables(variables, { ...good, GATEWAY_PORT: '' }).GATEWAY_PORT).toBe(8080);
    expect(problemsOf(() => readVariables(variables, { ...good, REDIS_URL: '' })).problems[0]?.found).toBe(
      'nothing',
    );
  });

  it('reads a secret from its file, trimmed', () => {
    const path = file('keys', '  acme:k2\n');
    const env = { REDIS_URL: good.REDIS_URL, GATEWAY_API_KEYS_FILE: path };
    expect(readVariables(variables, env).GATEWAY_API_KEYS).toBe('acme:k2');
  });

  it('does not read files for variables that are not secret', () => {
    const path = file('port', '9000');
    expect(readVariables(variables, { ...good, GATEWAY_PORT_FILE: path }).GATEWAY_PORT).toBe(8080);
  });

  it.each([
    ['a missing file', () => join(folder, 'nowhere'), 'ENOENT'],
    ['a folder', () => folder, 'not a file'],
    ['an empty file', () => file('empty', ' \n'), 'an empty file'],
    ['a huge file', () => file('huge', 'x'.repeat(65_537)), '65537 bytes'],
  ])('reports %s as the source of a secret', (_name, path, found) => {
    const env = { REDIS_URL: good.REDIS_URL, GATEWAY_API_KEYS_FILE: path() };
    const error = problemsOf(() => readVariables(variables, env));
    expect(error.problems).toHaveLength(1);
    expect(error.problems[0]).toMatchObject({ variable: 'GATEWAY_API_KEYS_FILE' });
    expect(error.problems[0]?.found).toContain(found);
  });

  it('refuses a secret that is given twice', () => {
    const env = { ...good, GATEWAY_API_KEYS_FILE: file('twice', 'x') };
    expect(problemsOf(() => readVariables(variables, env)).problems[0]?.expected).toBe('one of the two');
  });

  it('never shows a secret, nor the password of an address, nor a long value whole', () => {
    const declared = {
      TOKEN: variable(integer(), { help: 'Secret number.', secret: true }),
      REDIS_URL: variable(redisUrl(), { help: 'Redis.' }),
      WORD: variable(flag(), { help: 'Switch.' }),
    };
    const env = {
      TOKEN: 'hunter2',
      REDIS_URL: 'http://me:pa/ss@w0rd@host:1?sig=hunter2',
      WORD: 'y'.repeat(5_000),
    };
    const error = problemsOf(() => readVariables(declared, env));
    expect(error.problems).toHaveLength(3);
    expect(error.format() + error.message).not.toMatch(/hunter2|w0rd|pa\/ss|me:/);
    expect(error.format()).toContain('"http://***@host:1?***"');
    expect(error.format().length).toBeLessThan(500);
  });

  it('adds the problems of rules over several variables to the same list', () => {
    const declared = {
      CERT: variable(text().optional(), { help: 'Certificate.' }),
      KEY: variable(text().optional(), { help: 'Key.', secret: true }),
      LOW: variable(integer(), { help: 'Low.' }),
      HIGH: variable(integer(), { help: 'High.' }),
    };
    const read = (env: Record<string, string>) =>
      readVariables(declared, env, (rule) => {
        rule(['CERT', 'KEY'], ({ CERT, KEY }) =>
          (CERT === undefined) === (KEY === undefined) ? undefined : 'both or none',
        );
        rule(['LOW', 'HIGH'], ({ LOW, HIGH }) => (LOW > HIGH ? 'LOW not over HIGH' : undefined));
      });
    expect(read({ LOW: '1', HIGH: '2' }).HIGH).toBe(2);
    const error = problemsOf(() => read({ KEY: 'hunter2', LOW: 'x', HIGH: '2' }));
    expect(error.problems.map((problem) => problem.variable)).toEqual(['LOW', 'CERT, KEY']);
    expect(error.format()).not.toContain('hunter2');
  });

  it("shows zod's own expectations for other schemas", () => {
    const declared = { MODE: variable(z.enum(['a', 'b']), { help: 'Mode.' }) };
    const error = problemsOf(() => readVariables(declared, { MODE: 'c' }));
    expect(error.problems[0]?.expected).toBe('one of "a"|"b"');
  });
});

describe('variableRows', () => {
  it('knows defaults, requiredness and secrets', () => {
    expect(variableRows(variables)).toEqual([
      { name: 'GATEWAY_PORT', help: 'Port of the API.', default: '8080', secret: false, required: false },
      { name: 'GATEWAY_OPS_PORT', help: 'Ops port.', default: 'a free port', secret: false, required: false },
      { name: 'GATEWAY_API_KEYS', help: 'Keys.', default: '', secret: true, required: true },
      { name: 'REDIS_URL', help: 'Redis.', default: '', secret: false, required: true },
      { name: 'CORS_ORIGINS', help: 'Origins.', default: '', secret: false, required: false },
      { name: 'REQUEST_TIMEOUT_S', help: 'Longest request.', default: '300', secret: false, required: false },
    ]);
  });
});
