import type { CommandHelp } from '@fovea/cli/reference';
import { type Page, page } from '../markdown/page.js';

/** The `fovea` command, as its own `--help` tells it. */
export const cliPage = (helps: readonly CommandHelp[]): Page =>
  page('cli.md', 'The fovea command', [
    'In a checkout that is built (`npm start` does it): `npx fovea <command>`. Elsewhere: `node apps/cli/bin/fovea.mjs <command>`.',
    ...helps.flatMap(({ name, text }) => [`## ${name}`, `\`\`\`text\n${text}\n\`\`\``]),
  ]);
