import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PortPicker } from '../parts/ports.mjs';
import { GuardLink } from '../processes/guard-link.mjs';
import { Supervisor } from '../processes/supervisor.mjs';
import { findRedisServer } from './find-server.mjs';
import { startOwnRedis } from './own-server.mjs';

describe('startOwnRedis', () => {
  let folder = '';
  /** @type {GuardLink} */
  let guard;
  /** @type {Supervisor} */
  let supervisor;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea redis '));
    open();
  });
  const open = () => {
    guard = new GuardLink(join(folder, 'logs/guard.log'));
    const stop = new AbortController().signal;
    supervisor = new Supervisor({ logFolder: join(folder, 'logs'), guard, lock: undefined, stop });
  };
  const close = async () => {
    await supervisor.stop();
    await guard.close();
  };
  afterEach(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async () => {
    const binary = findRedisServer(process.env);
    if (binary === undefined) throw new Error('this machine has no Redis server');
    const port = await new PortPicker().free();
    return startOwnRedis(supervisor, {
      binary,
      folder: join(folder, 'data'),
      port,
      stage: 3,
      env: process.env,
    });
  };

  /**
   * @param {string} url
   * @param {string[]} commands
   */
  const ask = async (url, commands) => {
    const { hostname, port, password } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.end(['', ...(password === '' ? [] : [`AUTH ${password}`]), ...commands, ''].join('\r\n'));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    await once(socket, 'close');
    return answer;
  };

  it('asks for a password that stands on no command line, and never evicts', async () => {
    const url = await start();
    const { password, host } = new URL(url);
    expect(await ask(`redis://${host}`, ['PING'])).toContain('NOAUTH');
    expect(await ask(url, ['CONFIG GET maxmemory-policy', 'CONFIG GET appendfsync'])).toMatch(
      /noeviction[\s\S]*everysec/,
    );
    const pid = /process_id:(\d+)/.exec(await ask(url, ['INFO server']))?.[1];
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(password);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  });

  it('has after a restart what it had before', async () => {
    expect(await ask(await start(), ['SET story told'])).toContain('+OK');
    await close();
    open();
    expect(await ask(await start(), ['GET story'])).toContain('told');
  });
});
