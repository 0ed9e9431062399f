import { FoveaError } from '@fovea/errors';
import { parseHeaderValue } from './header-value.js';

/** RFC 2046 §5.1.1. */
const legal = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

/**
 * The boundary that a form's `Content-Type` announces. Throws `UNSUPPORTED_MEDIA_TYPE` for any other type and
 * `INVALID_REQUEST` for a boundary that is missing or illegal.
 */
export function boundaryOf(contentType: string | undefined): string {
  const header = parseHeaderValue(contentType ?? '');
  if (header?.value !== 'multipart/form-data') {
    const found = contentType === undefined ? 'nothing' : `"${contentType.slice(0, 100)}"`;
    throw new FoveaError('UNSUPPORTED_MEDIA_TYPE', {
      message: `Expected the content type multipart/form-data, found ${found}.`,
    });
  }
  const boundary = header.parameters.get('boundary') ?? '';
  if (legal.test(boundary)) return boundary;
  throw new FoveaError('INVALID_REQUEST', {
    message: 'The content type multipart/form-data needs a boundary of 1 to 70 legal characters.',
  });
}
