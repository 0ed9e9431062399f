/**
 * The system's code of an error, such as ENOENT. It does not ask `instanceof Error`: under Jest the errors of Node's
 * own modules come from another realm.
 * @param {unknown} error
 */
export function codeOf(error) {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}

/**
 * What an error says, for a sentence of our own.
 * @param {unknown} error
 */
export function messageOf(error) {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
