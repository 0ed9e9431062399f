/** The projects of jest.config.mjs. */
const projects = ['unit', 'integration', 'e2e'];
const flag = '--selectProjects';

/**
 * Jest takes every word behind `--selectProjects` for one more project, and runs all of a project when none is left for
 * a path. Here the first word that names no project ends the list; the list is put where nothing follows it.
 * @param {readonly string[]} args
 */
export function jestArguments(args) {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  /** @type {string[]} */
  const selected = [];
  /** @type {string[]} */
  const others = [];
  let isInList = false;
  for (const arg of args.slice(0, end)) {
    const isFlag = arg === flag || arg.startsWith(`${flag}=`);
    isInList = isFlag || (isInList && projects.includes(arg));
    if (!isInList) others.push(arg);
    else if (arg !== flag) selected.push(isFlag ? arg.slice(flag.length + 1) : arg);
  }
  const list = selected.length > 0 ? [flag, ...selected] : [];
  return [...others, ...list, ...args.slice(end)];
}
