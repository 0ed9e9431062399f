import { readFileSync } from 'node:fs';

/**
 * Ends the process with a sentence when this Node is too old. Import it before anything else: it keeps to old syntax,
 * and what is imported after it may not.
 */
const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
const needed = /(\d+)\.(\d+)/.exec(manifest.engines.node);
const actual = /^(\d+)\.(\d+)/.exec(process.versions.node);
if (needed !== null && actual !== null) {
  const major = Number(needed[1]);
  const minor = Number(needed[2]);
  if (Number(actual[1]) < major || (Number(actual[1]) === major && Number(actual[2]) < minor)) {
    process.stderr.write(
      `Fovea needs Node ${major}.${minor} or newer; this is ${process.version}.\n` +
        '  Install it from https://nodejs.org or with your version manager (see .node-version).\n',
    );
    process.exit(1);
  }
}
