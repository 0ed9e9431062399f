import { FoveaError } from '@fovea/errors';

/** vLLM's words; why goes to the log. */
export function invalidAudio(detail: string): FoveaError {
  return new FoveaError('INVALID_AUDIO', {
    message: 'Invalid or unsupported audio file.',
    param: 'file',
    detail,
  });
}
