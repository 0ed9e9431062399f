import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { until } from '../support/until.js';
import type { ImageTree } from './image-tree.js';

const run = promisify(execFile);
/** Its user in the images; only root can become another. */
const user = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {};
const hasTini = spawnSync('sh', ['-c', 'command -v tini']).status === 0;

/** The entrypoint of an image as a process of this machine. */
export class Container {
  #log = '';
  readonly #child: ChildProcess;

  private constructor(
    private readonly image: ImageTree,
    private readonly env: Readonly<Record<string, string>>,
  ) {
    const words = image.entrypoint.slice(hasTini ? 0 : image.entrypoint.indexOf('--') + 1);
    // tini is not the first process here.
    const [command = '', ...args] = words.map((word) => (word === '--' ? '-s' : word));
    this.#child = spawn(command, hasTini ? [args[0] ?? '', '--', ...args.slice(1)] : args, {
      cwd: image.path,
      env,
      ...user,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        this.#log = `${this.#log}${piece.toString()}`.slice(-20_000);
      });
    }
  }

  /** Starts it with what the image and the compose file set, and waits until its health check is content. */
  static async start(image: ImageTree, env: Readonly<Record<string, string>>): Promise<Container> {
    const container = new Container(image, { PATH: process.env.PATH ?? '', ...image.env, ...env });
    try {
      await until(
        `${image.app} to be healthy`,
        async () => {
          if (container.#child.exitCode !== null) return 'ended';
          return (await container.isHealthy()) ? 'healthy' : undefined;
        },
        90_000,
      ).then((state) => {
        if (state === 'ended') throw new Error(`${image.app} ended`);
      });
    } catch (error) {
      await container.stop();
      throw new Error(`${image.app}:\n${container.#log}`, { cause: error });
    }
    return container;
  }

  /** Runs the command of the image's `HEALTHCHECK`. */
  async isHealthy(): Promise<boolean> {
    const [kind, command = '', ...args] = ['CMD', ...this.image.healthcheck];
    if (kind !== 'CMD') return false;
    return run(command, args, { env: this.env, cwd: this.image.path }).then(
      () => true,
      () => false,
    );
  }

  /** SIGTERM, as `docker stop` sends it; returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await exited;
    }
    return this.#child.exitCode;
  }
}
