import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { exitCodes, Failure } from './failure.js';
import type { Terminal } from './terminal/terminal.js';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
}

/** Where the gateway is and how to be let in. */
export interface Connection {
  /** Without a slash at the end and without `/v1`. */
  readonly baseUrl: string;
  readonly key: string;
}

export const DEFAULT_URL = 'http://127.0.0.1:8080';
const CHECKOUT_KEY = join('.fovea', 'api-key');
const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** True for an address that only this machine answers at. */
export const isLoopback = (url: string): boolean =>
  URL.canParse(url) && loopbackHosts.has(new URL(url).hostname);

/** An environment variable, or undefined when it is unset or empty. */
const setting = (terminal: Terminal, name: string): string | undefined => terminal.env[name] || undefined;

function parseBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new Failure(exitCodes.usage, `The gateway's address must be an http or https URL, not "${text}".`);
  }
  return url;
}

async function readKeyFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Failure(exitCodes.usage, `The key file ${path} cannot be read.`, { cause });
  }
  const key = text.trim();
  if (key === '') throw new Failure(exitCodes.usage, `The key file ${path} is empty.`);
  return key;
}

/** The key that `npm start` made, if `folder` or one above it is such a checkout. */
async function findCheckoutKey(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const key = await readFile(join(at, CHECKOUT_KEY), 'utf8').catch(() => '');
    if (key.trim() !== '') return key.trim();
    if (dirname(at) === at) return undefined;
  }
}

function urlOf(options: ConnectionOptions, terminal: Terminal): URL {
  return parseBaseUrl(options.url ?? setting(terminal, 'FOVEA_URL') ?? DEFAULT_URL);
}

const withoutVersion = (url: URL): string =>
  `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/v1$/, '');

/** The gateway's address alone, without a slash at the end and without `/v1`. */
export const gatewayUrlOf = (options: ConnectionOptions, terminal: Terminal): string =>
  withoutVersion(urlOf(options, terminal));

/**
 * Finds address and key: option, then environment, then (for the key) the checkout the command runs in.
 * A checkout's key is only ever sent to this machine: no `--url` can lead it elsewhere.
 */
export async function findConnection(options: ConnectionOptions, terminal: Terminal): Promise<Connection> {
  const url = urlOf(options, terminal);
  const baseUrl = withoutVersion(url);
  const keyFile = setting(terminal, 'FOVEA_API_KEY_FILE');
  const key =
    options.key ??
    setting(terminal, 'FOVEA_API_KEY') ??
    (keyFile === undefined ? undefined : await readKeyFile(resolve(terminal.cwd, keyFile))) ??
    (loopbackHosts.has(url.hostname) ? await findCheckoutKey(terminal.cwd) : undefined);
  if (key === undefined) {
    throw new Failure(
      exitCodes.usage,
      'No API key: give --key, or set FOVEA_API_KEY or FOVEA_API_KEY_FILE. ' +
        'Inside a checkout where `npm start` has run, its own key is used for a gateway on this machine.',
    );
  }
  // Also keeps undici from throwing an error that quotes the header, and with it the key.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new Failure(
      exitCodes.usage,
      'The API key holds spaces or characters that no HTTP header can carry.',
    );
  }
  return { baseUrl, key };
}
