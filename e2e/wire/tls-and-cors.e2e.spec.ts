import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describeIf, program } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';

const noEngine = 'http://127.0.0.1:9';

describeIf(program('openssl'), 'a gateway with a certificate', () => {
  let folder: string;
  let system: System;
  const file = (name: string): string => join(folder, name);

  function makeCertificate(name: string): void {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const out = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, ...out], { stdio: 'ignore' });
  }
  async function use(name: string): Promise<void> {
    await copyFile(file(`${name}.pem`), file('cert.pem'));
    await copyFile(file(`${name}.key`), file('key.pem'));
  }
  /** Whose certificate a client is shown, on a connection of `agent`. */
  async function shown(agent: Agent | false): Promise<string | undefined> {
    const ca = [await readFile(file('first.pem')), await readFile(file('second.pem'))];
    const url = new URL(`${system.url.replace('http:', 'https:')}/health`);
    return new Promise((resolve, reject) => {
      request(url, { ca, agent }, (response) => {
        response.resume();
        resolve(String((response.socket as TLSSocket).getPeerCertificate().subject.CN));
      })
        .once('error', reject)
        .end();
    });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-tls-'));
    makeCertificate('first');
    makeCertificate('second');
    await use('first');
    const env = { GATEWAY_TLS_CERT: file('cert.pem'), GATEWAY_TLS_KEY: file('key.pem') };
    system = await System.start({ engineUrl: noEngine, env });
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('speaks TLS, and nothing else on that port', async () => {
    expect(await shown(false)).toBe('first');
    await expect(fetch(`${system.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('takes a new certificate with SIGHUP; connections that are open go on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await shown(agent)).toBe('first');
    await use('second');
    system.gateway.signal('SIGHUP');
    await until('the new certificate', async () => (await shown(false)) === 'second');
    expect(await shown(agent)).toBe('first');
    agent.destroy();
  });

  it('keeps the old one when the new one is of no use', async () => {
    await writeFile(file('cert.pem'), 'half a certif');
    system.gateway.signal('SIGHUP');
    await until('the log to say so', () => system.gateway.log.includes('the old certificate stays in use'));
    expect(await shown(false)).toBe('second');
    await copyFile(file('first.pem'), file('cert.pem'));
    system.gateway.signal('SIGHUP');
    const complaint = /"msg":"SIGHUP: the old certificate stays in use"/g;
    await until('the key of another to be refused', () => system.gateway.log.match(complaint)?.length === 2);
    expect(system.gateway.log).not.toContain('PRIVATE KEY');
    expect(await shown(false)).toBe('second');
  });
});

describe('a gateway with CORS_ORIGINS', () => {
  const app = 'https://app.example.com';
  let system: System;
  beforeAll(async () => {
    system = await System.start({
      engineUrl: noEngine,
      env: { CORS_ORIGINS: `${app},http://localhost:5173` },
    });
  }, 120_000);
  afterAll(() => system?.stop());

  const preflight = (origin: string): Promise<Response> =>
    fetch(`${system.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
  const allowed = (answer: Response) => answer.headers.get('access-control-allow-origin');

  it('lets pages of those origins send a key, and tells no cookie to come along', async () => {
    const answer = await preflight(app);
    expect(answer.status).toBe(204);
    expect(allowed(answer)).toBe(app);
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    // What depends on the origin must not come out of a cache for another.
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  it('lets other origins do nothing', async () => {
    for (const origin of ['https://evil.example', `${app}.evil.example`, 'null']) {
      expect(allowed(await preflight(origin))).toBeNull();
      expect(allowed(await system.fetch('/v1/models', { headers: { origin } }))).toBeNull();
    }
  });

  it('lets a page read what it needs of an answer, and of a refusal at the door', async () => {
    const good = await system.fetch('/v1/models', { headers: { origin: app } });
    const refused = await system.fetch('/v1/models', { headers: { origin: app }, key: 'nobody' });
    const nowhere = await system.fetch('/v1/nowhere', { headers: { origin: app } });
    expect([good.status, refused.status, nowhere.status]).toEqual([200, 401, 404]);
    for (const answer of [good, refused, nowhere]) {
      expect(allowed(answer)).toBe(app);
      const exposed = answer.headers.get('access-control-expose-headers')?.split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['x-request-id', 'retry-after', 'x-queue-time-ms']));
    }
  });

  it('without the variable says nothing of origins', async () => {
    const plain = await System.start({ engineUrl: noEngine });
    try {
      const answer = await plain.fetch('/v1/models', { headers: { origin: app } });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    } finally {
      await plain.stop();
    }
  });

  it('of * lets pages of every origin ask, with their own key', async () => {
    const open = await System.start({ engineUrl: noEngine, env: { CORS_ORIGINS: '*' } });
    try {
      const answer = await open.fetch('/v1/models', { headers: { origin: app }, key: keys.beta });
      expect([answer.status, allowed(answer)]).toEqual([200, '*']);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    } finally {
      await open.stop();
    }
  });
});
