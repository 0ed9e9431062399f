import { fileURLToPath } from 'node:url';
import { brokenLinks } from './links/broken-links.js';
import { referencePages } from './reference-pages.js';
import { driftedPages, writePages } from './write-pages.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = fileURLToPath(new URL('../../../docs/reference/', import.meta.url));
const [flag, ...rest] = process.argv.slice(2);

if (rest.length > 0 || (flag !== undefined && flag !== '--check')) {
  console.error('usage: node tools/docs-gen/dist/main.js [--check]');
  process.exitCode = 2;
} else if (flag === '--check') {
  const drifted = await driftedPages(folder, referencePages());
  if (drifted.length > 0) {
    console.error(`docs/reference differs from the code: ${drifted.join(', ')}. Run: npm run docs`);
    process.exitCode = 1;
  }
  const broken = await brokenLinks(root);
  if (broken.length > 0) {
    console.error(`Links that lead nowhere:\n${broken.join('\n')}`);
    process.exitCode = 1;
  }
} else {
  for (const file of await writePages(folder, referencePages())) console.log(`wrote docs/reference/${file}`);
}
