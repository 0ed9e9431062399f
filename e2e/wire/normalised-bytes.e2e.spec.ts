import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { repository } from '../support/part.js';

/** Prints the digest of what becomes of the file, decoded in so many threads. */
const program = `
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { normaliseImage, planImage, publishedProcessor } from '@fovea/image-preprocessing';
const [path, threads] = process.argv.slice(1);
sharp.concurrency(Number(threads));
const { format, width, height, hasAlpha } = await sharp(path).metadata();
const plan = planImage({ mediaType: 'image/' + format, width, height, hasAlpha }, publishedProcessor('llava'));
const bytes = await normaliseImage(path, plan, 'image');
process.stdout.write(plan.id + ' ' + createHash('sha256').update(bytes).digest('hex'));
`;

/** The engine's caches know a picture by its bytes, so every adapter must make the same of it. */
describe('a normalised picture', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-normalised-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const inProcess = async (file: string, threads: number): Promise<string> => {
    const args = ['--input-type=module', '-e', program, file, `${threads}`];
    return (await promisify(execFile)(process.execPath, args, { cwd: repository })).stdout;
  };

  it.each([
    ['png', 'v1-png-cubic448x336'],
    ['jpeg', 'v1-jpeg-cubic448x336'],
  ] as const)('is the same bytes in every process and with any number of threads: %s', async (format, id) => {
    const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
    const picture = sharp({
      create: { width: 1_600, height: 1_200, channels: 3, background: '#000', noise },
    });
    const file = join(folder, format);
    await writeFile(file, await picture.toFormat(format).toBuffer());
    const results = await Promise.all([inProcess(file, 1), inProcess(file, 1), inProcess(file, 4)]);
    expect(new Set(results).size).toBe(1);
    expect(results[0]).toMatch(new RegExp(`^${id} [0-9a-f]{64}$`));
  });
});
