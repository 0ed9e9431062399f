import type { Environment } from './read-variables.js';
import { fileVariable, type Variables } from './variable.js';

/** A set variable that nobody reads but that is one keystroke away from one that is read. */
export interface LikelyTypo {
  readonly found: string;
  readonly meant: string;
}

const ownPrefix = /^(GATEWAY|ADAPTER|SHIM|BLOB|FOVEA)_/;

/** True when one letter more, less, other, or swapped with its neighbour turns one name into the other. */
function isOneSlipAway(left: string, right: string): boolean {
  if (left === right || Math.abs(left.length - right.length) > 1) return false;
  let start = 0;
  while (start < left.length && left[start] === right[start]) start += 1;
  let endLeft = left.length;
  let endRight = right.length;
  while (endLeft > start && endRight > start && left[endLeft - 1] === right[endRight - 1]) {
    endLeft -= 1;
    endRight -= 1;
  }
  const restLeft = left.slice(start, endLeft);
  const restRight = right.slice(start, endRight);
  if (restLeft.length <= 1 && restRight.length <= 1) return true;
  return restLeft.length === 2 && restRight.length === 2 && restLeft === `${restRight[1]}${restRight[0]}`;
}

/**
 * Names of our own prefixes that look like a misspelt known name. They are warnings: other processes of
 * the same host read variables that this one does not know.
 */
export function likelyTypos(variables: Variables, env: Environment): LikelyTypo[] {
  const known = new Set<string>();
  for (const [name, declared] of Object.entries(variables)) {
    known.add(name);
    if (declared.secret === true) known.add(fileVariable(name));
  }
  const typos: LikelyTypo[] = [];
  for (const found of Object.keys(env)) {
    if (env[found] === undefined || known.has(found) || !ownPrefix.test(found)) continue;
    const meant = [...known].find((name) => isOneSlipAway(found, name));
    if (meant !== undefined) typos.push({ found, meant });
  }
  return typos;
}
