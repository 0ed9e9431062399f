/**
 * The address under which this machine reaches a server that listens on `host`.
 * @param {string} host
 */
export function reachable(host) {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/**
 * @param {'http' | 'https'} scheme
 * @param {string} host
 * @param {number} port
 */
export function urlOf(scheme, host, port) {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
