import type { Answer } from './upload.js';

/** Throws unless the answer is the expected one: a wrong answer is often a fast one. */
export function requireStatus(answer: Answer, status: number, code?: string): void {
  const isRight = answer.status === status && (code === undefined || answer.text.includes(`"${code}"`));
  if (isRight) return;
  const wanted = `${status}${code === undefined ? '' : ` ${code}`}`;
  throw new Error(`expected ${wanted}, got ${answer.status}: ${answer.text.slice(0, 300)}`);
}
