import { catalogue, type ErrorEntry, errorCodes } from '@fovea/errors';
import { type Page, page } from '../markdown/page.js';
import { code, table } from '../markdown/table.js';

const surfaces: readonly { readonly surface: ErrorEntry['surface']; readonly title: string }[] = [
  { surface: 'http', title: 'Answers' },
  { surface: 'event', title: 'Events that end a stream' },
  { surface: 'log', title: 'Only in logs and metrics' },
];

const INTRODUCTION = `Every error has one of these codes. Routes that OpenAI also has answer

\`\`\`json
{"error": {"message": "…", "type": "…", "param": "messages[0].content[1].image_url.url", "code": "…"}, "code": "…"}
\`\`\`

and routes that only PhariaInference has answer

\`\`\`json
{"error": "…", "code": "…"}
\`\`\`

\`param\` is the path of the field at fault. Where a limit was hit, \`limit\` holds its name and value. An error after
the first piece of a stream comes as one more \`data:\` event in the first form; then the connection closes without
\`[DONE]\`. \`Retry-After\` goes out with 429 and 503 only. "Retry" says whether the same request may succeed later.`;

const row = (name: string, entry: ErrorEntry): string[] => [
  code(name),
  String(entry.status),
  code(entry.type),
  entry.retryable ? 'yes' : 'no',
  entry.text,
  entry.help,
];

/** `errors.md`: the catalogue. */
export function errorsPage(): Page {
  const sections = surfaces.map(({ surface, title }) => {
    const rows = errorCodes
      .filter((name) => catalogue[name].surface === surface)
      .map((name) => row(name, catalogue[name]));
    return `## ${title}\n\n${table(['Code', 'Status', 'Type', 'Retry', 'Text', 'When'], rows)}`;
  });
  return page('errors.md', 'Errors', [INTRODUCTION, ...sections]);
}
