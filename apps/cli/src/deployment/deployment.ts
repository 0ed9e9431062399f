import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { exitCodes, Failure, fileReason } from '../failure.js';
import type { Terminal } from '../terminal/terminal.js';

const STATE_FOLDER = '.fovea';
const LINE = /^(\w+)='(.*)'$/;

/** The nearest folder from `folder` upwards in which `npm start` has run. */
export async function findCheckout(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const facts = await stat(join(at, STATE_FOLDER)).catch(() => undefined);
    if (facts?.isDirectory() === true) return at;
    if (dirname(at) === at) return undefined;
  }
}

type Variables = Readonly<Record<string, string>>;

/** What `npm start` decided for each worker-adapter, by the name of its worker file. */
async function decidedVariables(checkout: string): Promise<ReadonlyMap<string, Variables>> {
  const folder = join(checkout, STATE_FOLDER, 'env');
  const names = await readdir(folder).catch((): string[] => []);
  const files = names.filter((name) => /^worker-.*\.env$/.test(name)).sort();
  const read = files.map(async (name) => {
    const lines = (await readFile(join(folder, name), 'utf8').catch(() => '')).split('\n');
    const pairs = lines.flatMap((line) => {
      const [, variable, value] = LINE.exec(line) ?? [];
      return variable === undefined || value === undefined ? [] : [[variable, value] as const];
    });
    return [name.replace(/^worker-(.*)\.env$/, '$1'), Object.fromEntries(pairs)] as const;
  });
  return new Map(await Promise.all(read));
}

/**
 * The deployment that the command is run for: what its programs read from the environment, also as `<NAME>_FILE`, or what
 * `npm start` has chosen in the checkout the command runs in.
 */
export class Deployment {
  private constructor(
    private readonly terminal: Terminal,
    readonly checkout: string | undefined,
    private readonly decided: ReadonlyMap<string, Variables>,
  ) {}

  static async find(terminal: Terminal): Promise<Deployment> {
    const checkout = await findCheckout(terminal.cwd);
    const decided = checkout === undefined ? new Map<string, Variables>() : await decidedVariables(checkout);
    return new Deployment(terminal, checkout, decided);
  }

  /** A variable as any program of the deployment has it. Throws a usage `Failure` when its file cannot be read. */
  async variable(name: string): Promise<string | undefined> {
    const given = await this.given(name);
    if (given !== undefined) return given;
    for (const variables of this.decided.values()) {
      if (variables[name] !== undefined) return variables[name];
    }
    return undefined;
  }

  /** The same for the worker-adapter of one worker file. `npm start` decides for each; that goes before the environment. */
  async workerVariable(workerFile: string, name: string): Promise<string | undefined> {
    const worker = basename(workerFile, '.toml').replaceAll(/[^\w.-]/g, '_');
    return this.decided.get(worker)?.[name] ?? (await this.given(name));
  }

  /** A number of a variable, or the program's default when it is unset or none. */
  async number(name: string, byDefault: number): Promise<number> {
    const value = Number((await this.variable(name)) ?? byDefault);
    return Number.isFinite(value) ? value : byDefault;
  }

  /** Throws a usage `Failure` that says how to name one. */
  async redisUrl(): Promise<string> {
    const url = await this.variable('REDIS_URL');
    if (url === undefined) {
      throw new Failure(
        exitCodes.usage,
        'No Redis: set REDIS_URL or REDIS_URL_FILE to the one that gateway and workers use. ' +
          'Inside a checkout where `npm start` runs, its own is found.',
      );
    }
    // Never quoted: it may hold a password.
    if (!/^rediss?:\/\//i.test(url) || !URL.canParse(url)) {
      throw new Failure(
        exitCodes.usage,
        'REDIS_URL must be redis://[user:password@]host:port or rediss://….',
      );
    }
    return url;
  }

  private async given(name: string): Promise<string | undefined> {
    const { env, cwd } = this.terminal;
    const value = env[name]?.trim();
    if (value) return value;
    const file = env[`${name}_FILE`]?.trim();
    if (!file) return undefined;
    try {
      return (await readFile(resolve(cwd, file), 'utf8')).trim() || undefined;
    } catch (cause) {
      throw new Failure(exitCodes.usage, `${name}_FILE: ${file} cannot be read: ${fileReason(cause)}.`, {
        cause,
      });
    }
  }
}
