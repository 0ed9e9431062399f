/** Any text as one word of a POSIX shell: within single quotes nothing is special but the quote itself. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
