import { type Compatibility, pinnedVersion } from '../evidence.js';
import { type Page, page } from '../markdown/page.js';
import { table } from '../markdown/table.js';

const INTRODUCTION = `These clients work with nothing changed but the base URL and the key. Each cell that says yes is a test that
runs the real client against the running system, with the models that ship and a scripted engine
([e2e/clients](../../e2e/clients)); a dash is what the client has no call for.`;

/** `compatibility.md`: client × feature, each cell backed by a test. */
export function compatibilityPage({ features, clients }: Compatibility): Page {
  const head = ['', ...clients.map(({ client, version }) => `${client} ${pinnedVersion(version)}`.trim())];
  const rows = features.map((feature) => [
    feature,
    ...clients.map(({ tests }) => (tests[feature] === undefined ? '–' : 'yes')),
  ]);
  const proofs = clients.map(({ client, files, tests }) => {
    const backed = features.flatMap((feature) => {
      const title = tests[feature];
      return title === undefined ? [] : [[feature, title]];
    });
    const [file = ''] = files;
    return `## ${client}\n\nTests in [${file}](../../${file}).\n\n${table(['Feature', 'Test'], backed)}`;
  });
  return page('compatibility.md', 'Compatibility', [INTRODUCTION, table(head, rows), ...proofs]);
}
