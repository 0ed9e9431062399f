/**
 * One child of the launcher with everything it may have started. The leader's number is the group's number.
 * @typedef {object} ProcessGroup
 * @property {string} name
 * @property {number} pid
 * @property {string} startTime
 * @property {number} stage Groups of a lower stage are stopped first.
 * @property {number} drainMs How long the leader may take to end by itself after SIGTERM.
 */

/**
 * Reads a group that another process wrote down; undefined when it is not one.
 * @param {unknown} value
 * @returns {ProcessGroup | undefined}
 */
export function parseGroup(value) {
  if (typeof value !== 'object' || value === null) return undefined;
  /** @type {Record<string, unknown>} */
  const fields = { ...value };
  const { name, pid, startTime, stage, drainMs } = fields;
  if (typeof name !== 'string' || typeof startTime !== 'string') return undefined;
  // A leader's number of 1 or less would turn the signal to its group into one to everybody.
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 1) return undefined;
  if (typeof stage !== 'number' || typeof drainMs !== 'number') return undefined;
  return { name, pid, startTime, stage, drainMs };
}
