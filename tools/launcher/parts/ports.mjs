import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { codeOf, messageOf } from '../errors.mjs';
import { SettingsError } from '../settings.mjs';

/** Below the range that systems hand to outgoing connections, so that none of those takes the port before its user. */
const lowest = 20_000;
const highest = 32_000;

/**
 * True when a server could listen there now.
 * @param {number} port
 * @param {string} host
 */
export async function isPortFree(port, host) {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return false;
    throw new SettingsError(`cannot listen on ${host}:${port}: ${messageOf(error)}`);
  } finally {
    server.close();
  }
}

/** Free ports of one launcher: no two parts get the same, although none of them listens yet. */
export class PortPicker {
  /** @type {Set<number>} */
  #taken = new Set();

  /**
   * @param {string} [host]
   * @returns {Promise<number>}
   */
  async free(host = '127.0.0.1') {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const port = randomInt(lowest, highest);
      if (!this.#taken.has(port) && (await isPortFree(port, host))) {
        this.#taken.add(port);
        return port;
      }
    }
    throw new SettingsError(`found no free port between ${lowest} and ${highest} on ${host}`);
  }

  /**
   * The port its user chose, when it is free; without a choice any free one.
   * @param {string} variable
   * @param {number | undefined} chosen
   * @param {string} [host]
   */
  async chosenOrFree(variable, chosen, host = '127.0.0.1') {
    if (chosen === undefined) return this.free(host);
    if (this.#taken.has(chosen) || !(await isPortFree(chosen, host))) {
      throw new SettingsError(
        `${variable}: port ${chosen} on ${host} is in use; choose another or leave ${variable} unset`,
      );
    }
    this.#taken.add(chosen);
    return chosen;
  }
}

/**
 * The gateway's port is the one that users type, so it is never moved in silence.
 * @param {import('../settings.mjs').Settings} settings
 * @throws {SettingsError} with the command that works
 */
export async function requireGatewayPort({ gatewayHost, gatewayPort, isGatewayPortChosen }) {
  if (await isPortFree(gatewayPort, gatewayHost)) return;
  let other = gatewayPort + 10;
  while (other < 65_535 && !(await isPortFree(other, gatewayHost))) other += 1;
  const whose = isGatewayPortChosen ? 'from GATEWAY_PORT' : 'the default of GATEWAY_PORT';
  throw new SettingsError(
    `Port ${gatewayPort} (${whose}) on ${gatewayHost} is in use by another program.\n  Run: GATEWAY_PORT=${other} npm start`,
  );
}
