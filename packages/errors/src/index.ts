export { catalogue, type ErrorCode, type ErrorEntry, errorCodes, isErrorCode } from './catalogue.js';
export { FoveaError, type FoveaErrorOptions } from './fovea-error.js';
