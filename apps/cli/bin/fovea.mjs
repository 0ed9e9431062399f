#!/usr/bin/env node
// Stands in the checkout whether it is built or not, so that `npx fovea` never looks for the name elsewhere.
import { existsSync } from 'node:fs';

const built = new URL('../dist/main.js', import.meta.url);
if (existsSync(built)) await import(built.href);
else {
  process.stderr.write(
    'fovea: this checkout is not built yet. Run: npm start (or npm install && npm run build)\n',
  );
  process.exitCode = 1;
}
