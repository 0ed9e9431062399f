import { FoveaError } from '@fovea/errors';

/** An operator lets a lane run dry (`fovea queues drain`): it takes no requests, or ends those that wait. */
export const takenOutOfUse = (retryAfterS?: number): FoveaError =>
  new FoveaError('MODEL_UNAVAILABLE', {
    message: 'The operator is taking this model out of use and accepts no requests for it.',
    param: 'model',
    retryAfterS,
  });
