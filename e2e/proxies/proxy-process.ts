import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@fovea/testing';
import { repository } from '../support/part.js';
import { until } from '../support/until.js';

export const host = 'fovea.example.com';

/** The places of this machine that go in for what the shipped files name. */
interface Places {
  readonly folder: string;
  readonly https: number;
  readonly http: number;
  /** `host:port` of the gateway. */
  readonly gateway: string;
}

interface Kind {
  readonly file: string;
  readonly args: (file: string, places: Places) => readonly string[];
  /** `[what the shipped file says, what goes in for it]`; each must be there. */
  readonly replace: (places: Places) => readonly (readonly [string, string])[];
}

const tls = (folder: string): readonly (readonly [string, string])[] => [
  ['/etc/fovea/tls/', `${folder}/tls/`],
];

export const kinds: Readonly<Record<'nginx' | 'haproxy' | 'caddy', Kind>> = {
  nginx: {
    file: 'nginx.conf',
    args: (file, { folder }) => ['-p', folder, '-e', 'stderr', '-c', file],
    replace: ({ folder, https, http, gateway }) => [
      ...tls(folder),
      ['worker_processes auto;', `worker_processes 2; daemon off; pid ${folder}/pid; error_log stderr warn;`],
      [
        'http {',
        `http { access_log off; client_body_temp_path ${folder}/temporary/body; proxy_temp_path ${folder}/temporary/proxy;
         fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;`,
      ],
      ['listen 443 ssl', `listen 127.0.0.1:${https} ssl`],
      ['listen 80', `listen 127.0.0.1:${http}`],
      ['gateway:8080', gateway],
    ],
  },
  haproxy: {
    file: 'haproxy.cfg',
    args: (file) => ['-db', '-f', file],
    replace: ({ folder, https, http, gateway }) => [
      ...tls(folder),
      ['bind :443', `bind 127.0.0.1:${https}`],
      ['bind :80', `bind 127.0.0.1:${http}`],
      ['gateway:8080', gateway],
    ],
  },
  caddy: {
    file: 'Caddyfile',
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    replace: ({ folder, https, http, gateway }) => [
      [
        `${host} {`,
        `{
           admin off
           http_port ${http}
           https_port ${https}
         }
         ${host} {
           bind 127.0.0.1
           tls ${folder}/tls/fullchain.pem ${folder}/tls/privkey.pem`,
      ],
      ['gateway:8080', gateway],
    ],
  },
};

/** A real proxy with the configuration that we ship, on free ports, before a gateway. */
export class ProxyProcess {
  #log = '';

  private constructor(
    private readonly places: Places,
    private readonly child: ChildProcess,
    /** Certificate that clients are to trust. */
    readonly certificate: Buffer,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        this.#log = `${this.#log}${piece.toString()}`.slice(-20_000);
      });
    }
  }

  static async start(name: keyof typeof kinds, gatewayUrl: string): Promise<ProxyProcess> {
    const kind = kinds[name];
    const folder = await mkdtemp(join(tmpdir(), `fovea-${name}-`));
    const places = {
      folder,
      https: await freePort(),
      http: await freePort(),
      gateway: new URL(gatewayUrl).host,
    };
    const certificate = await makeCertificate(join(folder, 'tls'));
    await mkdir(join(folder, 'temporary'));
    let text = await readFile(join(repository, 'docker/proxies', kind.file), 'utf8');
    for (const [shipped, own] of kind.replace(places)) {
      if (!text.includes(shipped)) throw new Error(`${kind.file} does not say ${shipped}`);
      text = text.replaceAll(shipped, own);
    }
    const file = join(folder, kind.file);
    await writeFile(file, text);
    const child = spawn(name, kind.args(file, places), {
      env: { PATH: process.env.PATH ?? '', HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const proxy = new ProxyProcess(places, child, certificate);
    try {
      await until(`${name} to listen`, async () => {
        if (child.exitCode !== null) throw new Error(`${name} ended:\n${proxy.log}`);
        return isOpen(places.https);
      });
    } catch (error) {
      await proxy.stop();
      throw error;
    }
    return proxy;
  }

  get port(): number {
    return this.places.https;
  }

  get httpPort(): number {
    return this.places.http;
  }

  get log(): string {
    return this.#log;
  }

  /** Files in which it keeps bodies or answers now. */
  async keptFiles(): Promise<string[]> {
    const entries = await readdir(join(this.places.folder, 'temporary'), {
      recursive: true,
      withFileTypes: true,
    });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      // Its master ends the workers.
      this.child.kill('SIGTERM');
      await exited;
    }
    await rm(this.places.folder, { recursive: true, force: true });
  }
}

async function makeCertificate(folder: string): Promise<Buffer> {
  await mkdir(folder);
  const [chain, key] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')];
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', chain], {
    stdio: 'ignore',
  });
  const certificate = await readFile(chain);
  await writeFile(join(folder, 'fovea.pem'), Buffer.concat([certificate, await readFile(key)]), {
    mode: 0o600,
  });
  return certificate;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
