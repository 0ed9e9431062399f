import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Question } from '../chat/conversation.js';
import type { Picture } from '../pictures/picture.js';
import { asCurl } from './as-curl.js';
import { asPython } from './as-python.js';

const nasty = `it's "quoted" $HOME \`id\` \\n !! %s %d\nnext → ✓`;
const names = ["it's a; rm -rf $(x).png", '-n.png'];
const bytes = Buffer.from([0, 1, 2, 255]);

const picture = (name: string): Picture => ({
  id: 1,
  name,
  file: new Blob([bytes]),
  mediaType: 'image/png',
  width: 1,
  height: 1,
  url: '',
});
const question = (pictures: readonly string[]): Question => ({
  model: 'vlm',
  system: nasty,
  turns: [{ role: 'user', text: nasty, pictures: pictures.map(picture) }],
  sampling: { temperature: 0.5, stop: "'" },
});

describe('a question as commands', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-examples-'));
    for (const name of names) writeFileSync(join(folder, name), bytes);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the lines in a real shell, in which curl writes down what it was given. */
  function run(commands: string): { args: string[]; body: string } {
    const fake = `curl() { for arg; do printf '%s\\0' "$arg"; done; case "$*" in *@-) cat;; esac; }`;
    const env = { PATH: '/usr/bin:/bin', FOVEA_API_KEY: 'k$1', HOME: '/wrong' };
    const { stdout, stderr } = spawnSync('sh', ['-c', `${fake}\n${commands}`], { cwd: folder, env });
    expect(stderr.toString()).toBe('');
    const fields = stdout.toString().split('\0');
    const body = fields.pop() ?? '';
    return body === '' ? { args: fields, body: fields.at(-1) ?? '' } : { args: fields, body };
  }

  it.each([[[]], [names]])('for a shell say the same as the page sends, with files %j', (files) => {
    const { args, body } = run(asCurl(question(files), 'http://localhost:8080'));
    expect(args).toEqual(
      expect.arrayContaining(['http://localhost:8080/v1/chat/completions', 'Authorization: Bearer k$1']),
    );
    const sent = JSON.parse(body);
    expect(sent).toMatchObject({ model: 'vlm', stream: true, temperature: 0.5, stop: "'" });
    expect(sent.messages[0]).toEqual({ role: 'system', content: nasty });
    const url = `data:image/png;base64,${bytes.toString('base64')}`;
    const images = files.map(() => ({ type: 'image_url', image_url: { url } }));
    expect(sent.messages[1].content).toEqual(
      files.length === 0 ? nasty : [...images, { type: 'text', text: nasty }],
    );
  });

  it('for Python hold every text as a literal', () => {
    const program = asPython(question(names), 'http://localhost:8080');
    expect(program).toContain(`picture(${JSON.stringify(names[0])}, "image/png"),`);
    expect(program).toContain(`{"role": "system", "content": ${JSON.stringify(nasty)}},`);
    expect(program).toContain('    temperature=0.5,\n    stop="\'",\n');
    expect(program).not.toContain('k$1');
  });

  it('for Python need no pictures', () => {
    expect(asPython(question([]), 'http://h')).not.toContain('base64');
  });
});
