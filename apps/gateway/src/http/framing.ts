import type { IncomingMessage } from 'node:http';
import { FoveaError } from '@fovea/errors';

/**
 * What Node's parser lets through and we do not: codings of the transfer besides `chunked`, `chunked` where the
 * protocol has none, and expectations other than `100-continue`.
 */
export function framingError({ headers, httpVersion }: IncomingMessage): FoveaError | undefined {
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && (httpVersion === '1.0' || transfer.trim().toLowerCase() !== 'chunked'))
    return refused('Transfer-Encoding', 'Only HTTP/1.1 with `chunked` is supported.');
  const { expect } = headers;
  if (expect !== undefined && httpVersion === '1.1' && expect.trim().toLowerCase() !== '100-continue')
    return refused('Expect', 'Only `100-continue` is supported.');
  return undefined;
}

const refused = (header: string, why: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', {
    message: `The header ${header} is not valid here. ${why}`,
    param: header,
  });
