import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Copy, DockerfileParser, type Instruction } from 'dockerfile-ast';
import { repository } from '../support/part.js';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

interface Stage {
  /** Another stage, or an image. */
  readonly base: string;
  readonly instructions: Instruction[];
}

/**
 * The files of an image, made from docker/Dockerfile without an engine: each stage is a folder, `COPY` copies, and `RUN`
 * runs in it with the paths of the image turned into those of the folders. Three things are not done as written, since
 * they would need root or minutes: Debian's packages are left out, turbo is the installed one, and what `npm test` has
 * built is taken instead of being built again.
 */
export class ImageTree {
  readonly #stages = new Map<string, Stage>();
  readonly #made = new Set<string>();

  private constructor(
    readonly app: string,
    private readonly context: string,
    private readonly folder: string,
  ) {}

  /** `context` is of `makeContext`; `folder` is the tree's own. */
  static async build(app: string, context: string, folder: string): Promise<ImageTree> {
    const tree = new ImageTree(app, context, folder);
    const file = DockerfileParser.parse(await readFile(join(repository, 'docker/Dockerfile'), 'utf8'));
    let stage: Stage | undefined;
    for (const instruction of file.getInstructions()) {
      if (instruction.getKeyword() === 'FROM') {
        const [base = '', , name = ''] = (instruction.getArgumentsContent() ?? '').split(/\s+/);
        stage = { base, instructions: [] };
        tree.#stages.set(name, stage);
      } else stage?.instructions.push(instruction);
    }
    await tree.#make(app);
    return tree;
  }

  /** What `/fovea` is in the image. */
  get path(): string {
    return join(this.folder, this.app);
  }

  /** The variables that the image sets, with its paths turned into those of the tree. */
  get env(): Record<string, string> {
    const words = this.#argumentsOf('ENV').flatMap((line) =>
      line.replace('=/fovea', `=${this.path}`).split(/\s+/),
    );
    return Object.fromEntries(words.map((word) => word.split(/=(.*)/s, 2) as [string, string]));
  }

  get entrypoint(): string[] {
    return JSON.parse(this.#argumentsOf('ENTRYPOINT').at(-1) ?? '[]') as string[];
  }

  get healthcheck(): string[] {
    const text = this.#argumentsOf('HEALTHCHECK').at(-1) ?? '[]';
    return JSON.parse(text.slice(text.indexOf('['))) as string[];
  }

  /** Of the app's stage and those below it, the lowest first. */
  #argumentsOf(keyword: string): string[] {
    const all: string[] = [];
    let stage = this.#stages.get(this.app);
    while (stage !== undefined) {
      const own = stage.instructions.filter((each) => each.getKeyword() === keyword);
      all.unshift(...own.map(textOf));
      stage = this.#stages.get(stage.base);
    }
    return all;
  }

  async #make(name: string): Promise<void> {
    const stage = this.#stages.get(name);
    if (stage === undefined || this.#made.has(name)) return;
    this.#made.add(name);
    await this.#make(stage.base);
    await mkdir(join(this.folder, name), { recursive: true });
    if (this.#stages.has(stage.base)) await linkTree(join(this.folder, stage.base), join(this.folder, name));
    let workdir = join(this.folder, name);
    for (const instruction of stage.instructions) {
      const keyword = instruction.getKeyword();
      if (keyword === 'WORKDIR') workdir = this.#placeOf(textOf(instruction), name);
      if (keyword === 'COPY' && instruction instanceof Copy) await this.#copy(instruction, name, workdir);
      if (keyword === 'RUN') await this.#run(textOf(instruction), name, workdir);
    }
  }

  /** The place of an absolute path of the image. */
  #placeOf(path: string, stage: string): string {
    return path.startsWith('/fovea')
      ? join(this.folder, stage, path.slice('/fovea'.length))
      : join(this.folder, `root-of-${stage}`, path);
  }

  async #copy(instruction: Copy, stage: string, workdir: string): Promise<void> {
    const from = instruction.getFromFlag()?.getValue() ?? undefined;
    if (from !== undefined) await this.#make(from);
    const words = instruction.getArguments().map((argument) => argument.getValue());
    const target = words.pop() ?? '.';
    const place = target.startsWith('/') ? this.#placeOf(target, stage) : join(workdir, target);
    for (const word of words) {
      const source = from === undefined ? join(this.context, word) : this.#placeOf(word, from);
      const isFolder = (await stat(source)).isDirectory();
      const copy = from === undefined ? copyTree : linkTree;
      await copy(source, isFolder ? place : join(place, basename(source)));
    }
  }

  async #run(text: string, stage: string, workdir: string): Promise<void> {
    if (text.includes('apt-get')) return;
    if (text.includes('tsc -b')) await takeBuilt(workdir);
    const command = text
      .replaceAll(/npx --yes turbo@[\d.]+/g, join(repository, 'node_modules/.bin/turbo'))
      .replace(/^npm ci --no-audit --no-fund$/, 'true')
      .replace('node_modules/.bin/tsc -b "apps/$APP"', 'true')
      .replaceAll('"/built/', `"${this.#placeOf('/built', stage)}/`);
    const { PATH, HOME } = process.env;
    await run('sh', ['-euc', command], {
      cwd: workdir,
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { PATH, HOME, APP: this.app, npm_config_prefer_offline: 'true', ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
  }
}

const textOf = (instruction: Instruction): string =>
  (instruction.getRawArgumentsContent() ?? '').replaceAll(/\\\n/g, ' ');

/** What a folder holds goes into a folder, a file to where it is to be. Links keep pointing where they did. */
async function copyTree(from: string, to: string, options = '-a'): Promise<void> {
  const isFolder = (await stat(from)).isDirectory();
  await mkdir(isFolder ? to : dirname(to), { recursive: true });
  await run('cp', [options, isFolder ? `${from}/.` : from, to]);
}

/**
 * The same with hard links, in a tenth of the time. What a stage changes in place is then changed in the stage that it
 * came from as well; that one has been made by then.
 */
const linkTree = (from: string, to: string): Promise<void> => copyTree(from, to, '-al');

/**
 * Copies what `.dockerignore` lets in. It names our folders; what git ignores lies in none of them. Git lists as well what
 * has been deleted and not yet committed.
 */
export async function makeContext(folder: string): Promise<void> {
  const lines = (await readFile(join(repository, '.dockerignore'), 'utf8')).split('\n');
  const wanted = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const left = lines.filter((line) => line.startsWith('models/')).map((line) => `:(exclude,glob)${line}/**`);
  const list = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '--', ...wanted, ...left];
  const { stdout } = await run('git', list, { cwd: repository, maxBuffer: MAX_OUTPUT_BYTES });
  for (const file of stdout.split('\n').filter((line) => line !== '' && existsSync(join(repository, line))))
    await cp(join(repository, file), join(folder, file));
}

async function takeBuilt(workdir: string): Promise<void> {
  for (const group of ['apps', 'packages', 'tools']) {
    const names = await readdir(join(workdir, group)).catch(() => []);
    for (const name of names)
      await copyTree(join(repository, group, name, 'dist'), join(workdir, group, name, 'dist'));
  }
}
