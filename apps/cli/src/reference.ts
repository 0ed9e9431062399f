import { Readable, Writable } from 'node:stream';
import { deploymentPorts } from './compose.js';
import { createProgram } from './program.js';

export { exitCodes } from './failure.js';

/** The command line, for the page that describes it. Nothing of it is ever run. */
export function describedProgram(): ReturnType<typeof createProgram> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return createProgram({
    stdin: Readable.from([]),
    stdout: nowhere,
    stderr: nowhere,
    cwd: '/',
    env: {},
    signal: new AbortController().signal,
    ports: deploymentPorts,
  });
}
