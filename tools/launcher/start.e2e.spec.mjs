import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { fingerprint } from './install/build.mjs';
import { PortPicker } from './parts/ports.mjs';
import { childrenOf, until } from './processes/fixtures/checkout.mjs';
import { startTimeOf } from './processes/process-identity.mjs';
import { root } from './state-folder.mjs';

const startLimitMs = 240_000;

/** A checkout of its own that shares sources, builds and packages with this one, but not its run-time files. */
class SecondCheckout {
  folder = mkdtempSync(join(tmpdir(), 'fovea-checkout-'));

  constructor() {
    for (const name of readdirSync(root)) {
      if (!['.git', '.fovea', 'tools'].includes(name)) symlinkSync(join(root, name), join(this.folder, name));
    }
    mkdirSync(join(this.folder, 'tools'));
    for (const name of readdirSync(join(root, 'tools'))) {
      const target = join(this.folder, 'tools', name);
      // The launcher finds its checkout from where it stands, so it is the one thing that must be a copy.
      if (name === 'launcher') cpSync(join(root, 'tools/launcher'), target, { recursive: true });
      else symlinkSync(join(root, 'tools', name), target);
    }
    mkdirSync(join(this.folder, '.fovea'), { mode: 0o700 });
  }

  /**
   * Runs `npm start`, or the launcher without npm around it.
   * @param {Record<string, string>} env
   * @param {{ isBare?: boolean }} [options]
   */
  start(env, { isBare = false } = {}) {
    // The builds are shared, so there is never one to make here; `npm test` has made them.
    writeFileSync(join(this.folder, '.fovea/build-stamp'), fingerprint(this.folder));
    return new Start(
      this.folder,
      env,
      isBare ? [process.execPath, 'tools/launcher/start.mjs'] : ['npm', 'start'],
    );
  }

  /** The processes that the launcher has written down, with their guard. */
  processes() {
    const { pid, groups } = JSON.parse(readFileSync(join(this.folder, '.fovea/launcher.json'), 'utf8'));
    /** @type {number[]} */
    const parts = groups.map((/** @type {{ pid: number }} */ group) => group.pid);
    return { launcher: pid, all: [...new Set([pid, ...parts, ...childrenOf(pid)])] };
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** One run of the launcher. */
class Start {
  output = '';
  #child;
  #closed;

  /**
   * @param {string} folder
   * @param {Record<string, string>} env
   * @param {string[]} command
   */
  constructor(folder, env, [program = '', ...args]) {
    const plain = Object.entries(process.env).filter(
      ([name]) => !/^(npm_|GATEWAY_|SHIM_|ADAPTER_|REDIS_|BLOB_|FOVEA_)/.test(name),
    );
    this.#child = spawn(program, args, {
      cwd: folder,
      env: { ...Object.fromEntries(plain), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
    this.#closed = once(this.#child, 'close');
  }

  async ready() {
    let hasEnded = false;
    void this.#closed.then(() => {
      hasEnded = true;
    });
    await until(
      'it is ready or has ended',
      () => hasEnded || this.output.includes('Fovea is ready.'),
      startLimitMs,
    );
    if (hasEnded) throw new Error(this.output);
  }

  /** The n-th line that starts a curl. */
  curlLine(index = 0) {
    return this.output.split('\n').filter((line) => line.includes('| curl '))[index] ?? '';
  }

  get url() {
    return /URL +(\S+)\/v1/.exec(this.output)?.[1] ?? '';
  }

  get models() {
    return (/Models +(.+)/.exec(this.output)?.[1] ?? '').split(', ');
  }

  get key() {
    return /Key +(\S+)/.exec(this.output)?.[1] ?? '';
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.#child.kill(signal);
  }

  async exitCode() {
    return (await this.#closed)[0];
  }
}

/**
 * @param {string} line
 * @param {string} [cwd]
 */
async function paste(line, cwd = root) {
  const shell = spawn('sh', ['-c', line], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  shell.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(shell, 'close');
  return output;
}

describe('npm start', () => {
  /** @type {SecondCheckout} */
  let checkout;
  /** Runs in `checkout` until the test that stops it. @type {Start} */
  let run;
  /** @type {number} */
  let port;
  /** @type {Start[]} */
  let others = [];
  const ports = new PortPicker();
  beforeAll(async () => {
    checkout = new SecondCheckout();
    port = await ports.free();
    run = checkout.start({ GATEWAY_PORT: `${port}` });
    await run.ready();
  }, 300_000);
  const ended = async (/** @type {Start[]} */ starts) => {
    for (const start of starts) start.kill('SIGTERM');
    await Promise.all(starts.map((start) => start.exitCode()));
  };
  afterEach(async () => {
    await ended(others);
    others = [];
  });
  afterAll(async () => {
    await ended([run]);
    checkout.remove();
  });

  /**
   * @param {Record<string, string>} env
   * @param {{ from?: SecondCheckout, isBare?: boolean }} [options]
   */
  const start = (env, { from = checkout, isBare = false } = {}) => {
    const begun = from.start(env, { isBare });
    others.push(begun);
    return begun;
  };

  it('prints lines that answer when pasted', async () => {
    expect(run.url).toBe(`http://127.0.0.1:${port}`);
    // A model that not every machine has is there where its program is, and nowhere else.
    const sphinx = ['/usr/bin/pocketsphinx_continuous', '/usr/share/pocketsphinx/model/en-us/en-us.lm.bin'];
    const hasSphinx = sphinx.every((path) => existsSync(path));
    expect(run.models.includes('pocketsphinx-en-us')).toBe(hasSphinx);
    const answer = JSON.parse(await paste(run.curlLine(0)));
    expect(answer.choices[0].message.content).toContain('Lighthouse Books');
    const streamed = await paste(run.curlLine(1));
    expect(streamed.match(/^data: \{/gm)?.length).toBeGreaterThan(3);
    expect(streamed.trimEnd()).toMatch(/data: \[DONE\]$/);
  }, 300_000);

  it('runs once in a checkout', async () => {
    const again = start({ GATEWAY_PORT: `${await ports.free()}` });
    expect(await again.exitCode()).toBe(1);
    expect(again.output).toContain('npm start runs in this checkout already');
  }, 300_000);

  it('takes the hundred megabytes of the README and refuses them early; the health probe answers meanwhile', async () => {
    const { key, photos, tooWide, probe } = readmeCommands(port);
    const whole = `${probe} >.fovea/probe.log & probe=$!
${key}
${photos}
echo
echo NEXT
${tooWide}
kill $probe`;
    const [answer = '', refusal = ''] = (await paste(whole, checkout.folder)).split('\nNEXT\n');
    expect(answer.trimEnd()).toMatch(/data: \[DONE\]$/);
    expect(answer.match(/Lighthouse Books/g)).toHaveLength(5);

    const [body = '', numbers = ''] = refusal.trimEnd().split('\n');
    expect(JSON.parse(body).error).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      param: 'messages[0].content[0].image_url.url',
      limit: { name: 'max_image_side_px', value: 4000, actual: 4001 },
    });
    const [status, , bytes] = numbers.match(/[\d.]+/g)?.map(Number) ?? [];
    expect(status).toBe(400);
    // Refused by the first picture's header: what else went out lay in kernel buffers or was thrown away by the linger.
    expect(bytes).toBeLessThan(50_000_000);

    const probes = readFileSync(join(checkout.folder, '.fovea/probe.log'), 'utf8').trimEnd().split('\n');
    expect(probes.length).toBeGreaterThan(5);
    for (const line of probes) expect(line).toMatch(/^\{"status":"ok"\} \d\.\d+ s$/);
  }, 300_000);

  it('runs beside another checkout, and leaves nothing when it is killed', async () => {
    const other = new SecondCheckout();
    try {
      const refused = start({ GATEWAY_PORT: `${port}` }, { from: other });
      expect(await refused.exitCode()).toBe(1);
      const command = /Run: GATEWAY_PORT=(\d+) npm start/.exec(refused.output);
      const second = start({ GATEWAY_PORT: command?.[1] ?? '' }, { from: other, isBare: true });
      await second.ready();

      const { launcher, all } = other.processes();
      process.kill(launcher, 'SIGKILL');
      await until('all of it is gone', () => all.every((pid) => startTimeOf(pid) === undefined), 60_000);
      expect(
        (await fetch(`${run.url}/v1/models`, { headers: { authorization: `Bearer ${run.key}` } })).status,
      ).toBe(200);
    } finally {
      other.remove();
    }
  }, 300_000);

  it('finishes a running stream before it stops', async () => {
    const { all } = checkout.processes();
    expect(all.length).toBeGreaterThanOrEqual(7);
    const pictures = 8;
    const response = await askAboutPictures(run, pictures);
    const chunks = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
    let text = '';
    for await (const chunk of chunks) {
      // The first text is on its way, and seven pictures are still to be read.
      if (text === '') run.kill('SIGTERM');
      text += chunk;
    }
    expect(text.trimEnd()).toMatch(/data: \[DONE\]$/);
    expect(text.match(/Lighthouse Books/g)).toHaveLength(pictures);
    const answeredAtMs = performance.now();
    expect(await run.exitCode()).toBe(0);
    // An idle connection of the reader could hold the gateway for 72 s.
    expect(performance.now() - answeredAtMs).toBeLessThan(60_000);
    expect(all.filter((pid) => startTimeOf(pid) !== undefined)).toEqual([]);
  }, 300_000);

  it('shows why a part did not start, and stops the others', async () => {
    const failing = start({ GATEWAY_PORT: `${await ports.free()}`, GATEWAY_TLS_CERT: '/nowhere.pem' });
    expect(await failing.exitCode()).toBe(1);
    expect(failing.output).toMatch(/gateway ended.*\(exit code 1\)\n.*GATEWAY_TLS_CERT, GATEWAY_TLS_KEY/s);
    expect(failing.output).toContain('Everything is stopped.');
  }, 300_000);
});

/**
 * What the README tells a reader to type, for a gateway on this port.
 * @param {number} port
 */
function readmeCommands(port) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(':8080/', `:${port}/`);
  const blocks = [...readme.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, block = '']) => block);
  const block = (/** @type {string} */ word) => blocks.find((text) => text.includes(word)) ?? '';
  return {
    key: /^KEY=.*$/m.exec(readme)?.[0] ?? '',
    photos: block('photos.json'),
    tooWide: block('too-wide.json'),
    probe: block('while '),
  };
}

/**
 * A streamed reading of so many copies of the sample picture.
 * @param {Start} run
 * @param {number} pictures
 */
function askAboutPictures(run, pictures) {
  const base64 = readFileSync(join(root, 'examples/sample.png')).toString('base64');
  const part = { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } };
  return fetch(`${run.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${run.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'ocr',
      stream: true,
      messages: [{ role: 'user', content: Array.from({ length: pictures }, () => part) }],
    }),
  });
}
