import { type Variables, variableRows } from '@fovea/config';
import { type Page, page } from '../markdown/page.js';
import { code, table } from '../markdown/table.js';

/** The variables of one program. */
export interface VariableSection {
  readonly title: string;
  readonly introduction: string;
  readonly variables: Variables;
}

const INTRODUCTION = `An empty value counts as unset. A program that finds a problem names every one it found and
does not start. A variable marked *secret* can also be given as \`<NAME>_FILE\`, the path of a file that holds the
value; giving both is an error. Times are in seconds.`;

function section({ title, introduction, variables }: VariableSection): string {
  const rows = variableRows(variables).map((row) => [
    code(row.name),
    row.required ? '*required*' : row.default,
    row.secret ? `${row.help} *Secret.*` : row.help,
  ]);
  return `## ${title}\n\n${introduction}\n\n${table(['Variable', 'Default', 'Meaning'], rows)}`;
}

/** `env.md`: every variable that any of our programs reads. */
export function envPage(sections: readonly VariableSection[]): Page {
  return page('env.md', 'Environment variables', [INTRODUCTION, ...sections.map(section)]);
}
