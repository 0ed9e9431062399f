import type { Question } from '../chat/conversation.js';
import { bodyPieces } from '../chat/request-body.js';
import { shellWord } from './shell-word.js';

/**
 * The question as lines for a shell. Pictures are read from files of their names in the current folder, and go through
 * a pipe: as an argument they would meet the limit on their size. The key stays out of it: `$FOVEA_API_KEY`.
 */
export function asCurl(question: Question, origin: string): string {
  const curl = [
    `curl -sSN ${shellWord(`${origin}/v1/chat/completions`)} \\`,
    '  -H "Authorization: Bearer $FOVEA_API_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
  ];
  const pieces = bodyPieces(question);
  const [only] = pieces;
  if (pieces.length === 1 && typeof only === 'string') {
    return [...curl, `  --data-binary ${shellWord(only)}`].join('\n');
  }
  const commands = pieces.map((piece) =>
    typeof piece === 'string'
      ? `  printf %s ${shellWord(piece)}`
      : `  base64 < ${shellWord(piece.name)} | tr -d '\\n'`,
  );
  return [`{`, ...commands, `} | ${curl[0]}`, ...curl.slice(1), '  --data-binary @-'].join('\n');
}
