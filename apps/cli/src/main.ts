import { deploymentPorts } from './compose.js';
import { exitCodes } from './failure.js';
import { run } from './program.js';

const cancel = new AbortController();
let readerLeft = false;

// Once only: a second Ctrl-C ends the process the hard way.
process.once('SIGINT', () => cancel.abort());
process.once('SIGTERM', () => cancel.abort());
// `fovea … | head` closes the pipe; that cancels the request and is no failure.
process.stdout.on('error', () => {
  readerLeft = true;
  cancel.abort();
});

const exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  env: process.env,
  signal: cancel.signal,
  ports: deploymentPorts,
});
process.exitCode = readerLeft ? exitCodes.done : exitCode;
