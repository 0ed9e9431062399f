import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** The files of the server's certificate. */
export interface TlsFiles {
  /** Certificate chain, PEM. */
  readonly cert: string;
  /** Private key that belongs to it, PEM. */
  readonly key: string;
}

/** Reads both files; throws when one cannot be read, is no PEM, or they do not belong together. */
export function readTlsFiles({ cert, key }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  const read = { cert: readFileSync(cert), key: readFileSync(key) };
  createSecureContext(read);
  return read;
}

/** Why a server cannot begin with these files, without their content; undefined when it can. */
export function problemOfTlsFiles(files: TlsFiles): string | undefined {
  try {
    readTlsFiles(files);
    return undefined;
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unreadable';
    return `the files of a certificate chain and its private key, both PEM (${code})`;
  }
}
